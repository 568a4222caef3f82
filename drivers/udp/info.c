/* SPDX-License-Identifier: MIT */
#include "info.h"

#include <netinet/udp.h>
#include <time.h>

#ifndef UDP_SEGMENT /* <netinet/udp.h> of before glibc 2.34 */
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

/* --- switching on ------------------------------------------------------------------------------------------------- */

/* The kernel's options for each bit. A dual-stack socket has those of both families, without IP_PKTINFO, because
 * IPV6_RECVPKTINFO reports IPv4 addresses too. */
static const struct {
    uint32_t bit;
    int level, name;
    bool v4, v6;
} received[] = {
    {TRALE_UDP_INFO_LOCAL, IPPROTO_IP, IP_PKTINFO, true, false},
    {TRALE_UDP_INFO_LOCAL, IPPROTO_IPV6, IPV6_RECVPKTINFO, false, true},
    {TRALE_UDP_INFO_TRAFFIC_CLASS, IPPROTO_IP, IP_RECVTOS, true, true},
    {TRALE_UDP_INFO_TRAFFIC_CLASS, IPPROTO_IPV6, IPV6_RECVTCLASS, false, true},
    {TRALE_UDP_INFO_TTL, IPPROTO_IP, IP_RECVTTL, true, true},
    {TRALE_UDP_INFO_TTL, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, false, true},
    {TRALE_UDP_INFO_TIME, SOL_SOCKET, SO_TIMESTAMPNS, true, true},
    {TRALE_UDP_INFO_DROPS, SOL_SOCKET, SO_RXQ_OVFL, true, true},
};

/* The bits that a receive can set. */
#define INFO_RECEIVED                                                                                                  \
    (TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TRAFFIC_CLASS | TRALE_UDP_INFO_TTL | TRALE_UDP_INFO_TIME |                  \
     TRALE_UDP_INFO_DROPS)
#define INFO_ALL (INFO_RECEIVED | TRALE_UDP_INFO_INTERFACE)

static bool is_of_family(const struct udp_socket *socket, size_t i)
{
    return socket->family == AF_INET6 ? received[i].v6 : received[i].v4;
}

static int32_t info_switch(const struct udp_socket *socket, uint32_t set)
{
    for (size_t i = 0; i < sizeof received / sizeof received[0]; i++) {
        int on = (set & received[i].bit) != 0;
        if (!is_of_family(socket, i))
            continue;
        if (setsockopt(socket->fd, received[i].level, received[i].name, &on, sizeof on) < 0)
            return -errno;
    }
    return 0;
}

int32_t udp_info_set(struct udp_socket *socket, int64_t set)
{
    if ((set & ~(int64_t)INFO_RECEIVED) != 0)
        return -EINVAL;
    int32_t r = info_switch(socket, (uint32_t)set);
    if (r == 0)
        socket->info = (uint8_t)set;
    else
        info_switch(socket, socket->info);
    return r;
}

void udp_info_adopt(struct udp_socket *socket)
{
    int off = 0;
    socket->info = INFO_RECEIVED;
    for (size_t i = 0; i < sizeof received / sizeof received[0]; i++) {
        int on = 0;
        socklen_t size = sizeof on;
        if (!is_of_family(socket, i))
            continue;
        if (getsockopt(socket->fd, received[i].level, received[i].name, &on, &size) < 0 || on == 0)
            socket->info &= (uint8_t)~received[i].bit;
    }
    /* Switches off what is on in one family alone, and what would report the local address twice. */
    info_switch(socket, socket->info);
    if (socket->family == AF_INET6)
        setsockopt(socket->fd, IPPROTO_IP, IP_PKTINFO, &off, sizeof off);
}

/* --- received ----------------------------------------------------------------------------------------------------- */

/* Whether the message is of that type; if so, copies its data. */
static bool control_is(const struct cmsghdr *control, int level, int type, void *data, size_t size)
{
    if (control->cmsg_level != level || control->cmsg_type != type || control->cmsg_len < CMSG_LEN(size))
        return false;
    memcpy(data, CMSG_DATA(control), size);
    return true;
}

/* Another process that shares the socket may have switched on IP_PKTINFO beside IPV6_RECVPKTINFO. On an IPv6 socket it
 * is skipped: its IPv4 address could not be used as a source there. */
static bool read_local(const struct udp_socket *socket, const struct cmsghdr *control, struct trale_udp_info *info)
{
    struct in_pktinfo v4;
    struct in6_pktinfo v6;
    if (control_is(control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4)) {
        if (socket->family == AF_INET6)
            return true;
        info->local.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = v4.ipi_addr};
        info->interface_index = (uint32_t)v4.ipi_ifindex;
    } else if (control_is(control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6)) {
        bool has_zone = IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&v6.ipi6_addr);
        info->local.v6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_addr = v6.ipi6_addr, .sin6_scope_id = has_zone ? v6.ipi6_ifindex : 0};
        info->interface_index = v6.ipi6_ifindex;
    } else {
        return false;
    }
    info->have |= TRALE_UDP_INFO_LOCAL;
    return true;
}

static void read_other(const struct cmsghdr *control, struct trale_udp_info *info)
{
    uint8_t tos;
    int number;
    struct timespec time;
    if (control_is(control, IPPROTO_IP, IP_TOS, &tos, sizeof tos)) {
        info->traffic_class = tos;
        info->have |= TRALE_UDP_INFO_TRAFFIC_CLASS;
    } else if (control_is(control, IPPROTO_IPV6, IPV6_TCLASS, &number, sizeof number)) {
        info->traffic_class = number;
        info->have |= TRALE_UDP_INFO_TRAFFIC_CLASS;
    } else if (control_is(control, IPPROTO_IP, IP_TTL, &number, sizeof number) ||
               control_is(control, IPPROTO_IPV6, IPV6_HOPLIMIT, &number, sizeof number)) {
        info->ttl = number;
        info->have |= TRALE_UDP_INFO_TTL;
    } else if (control_is(control, SOL_SOCKET, SCM_TIMESTAMPNS, &time, sizeof time)) {
        info->time_ns = (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
        info->have |= TRALE_UDP_INFO_TIME;
    } else {
        control_is(control, SOL_SOCKET, SO_RXQ_OVFL, &info->drops, sizeof info->drops);
    }
}

uint32_t udp_info_read(const struct udp_socket *socket, struct msghdr *message, struct trale_udp_info *info)
{
    if (!socket->gro && info == NULL)
        return 0;
    struct trale_udp_info read = {.have = socket->info & TRALE_UDP_INFO_DROPS}; /* the kernel is silent while it is 0 */
    int segment = 0;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control != NULL; control = CMSG_NXTHDR(message, control)) {
        if (!control_is(control, IPPROTO_UDP, UDP_GRO, &segment, sizeof segment) && info != NULL &&
            !read_local(socket, control, &read))
            read_other(control, &read);
    }
    if (info != NULL) {
        read.have &= socket->info; /* another process may have switched on more */
        *info = read;
    }
    return segment > 0 ? (uint32_t)segment : 0;
}

/* --- sent --------------------------------------------------------------------------------------------------------- */

/* Appends a control message. union udp_control has room for all that one datagram can have. */
static void control_add(struct msghdr *message, union udp_control *control, int level, int type, const void *data,
                        size_t size)
{
    struct cmsghdr *header = (struct cmsghdr *)(void *)(control->bytes + message->msg_controllen);
    memset(header, 0, CMSG_SPACE(size));
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(header), data, size);
    message->msg_control = control;
    message->msg_controllen += CMSG_SPACE(size);
}

/* The interface that the datagram is sent with; 0: none. An interface overrides the route, so a source address brings
 * its interface along only between link-local addresses, which are ambiguous without. */
static uint32_t interface_index(const struct trale_udp_info *info, const struct trale_address *to)
{
    if ((info->have & TRALE_UDP_INFO_INTERFACE) != 0)
        return info->interface_index;
    if ((info->have & TRALE_UDP_INFO_LOCAL) != 0 &&
        (trale_address_is_link_local(&info->local) || trale_address_is_link_local(to)))
        return info->interface_index;
    return 0;
}

/* An interface without a source address. On an IPv6 socket, IPv4 datagrams need IP_PKTINFO, because for them the kernel
 * takes IPV6_PKTINFO only with a mapped address; IPv6 datagrams need the older IPV6_2292PKTINFO, which the kernel
 * ignores for IPv4. */
static void write_interface(const struct udp_socket *socket, uint32_t index, struct msghdr *message,
                            union udp_control *control)
{
    struct in_pktinfo v4 = {.ipi_ifindex = (int)index};
    struct in6_pktinfo v6 = {.ipi6_ifindex = index};
    control_add(message, control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
    if (socket->family == AF_INET6)
        control_add(message, control, IPPROTO_IPV6, IPV6_2292PKTINFO, &v6, sizeof v6);
}

/* The source address and the interface. */
static int write_local(const struct udp_socket *socket, const struct trale_udp_info *info,
                       const struct trale_address *to, struct msghdr *message, union udp_control *control)
{
    uint32_t index = interface_index(info, to);
    sa_family_t family = (info->have & TRALE_UDP_INFO_LOCAL) != 0 ? info->local.any.sa_family : AF_UNSPEC;
    if (family != AF_UNSPEC && family != socket->family)
        return -EAFNOSUPPORT;
    if (index > INT32_MAX)
        return -EINVAL;
    if (family == AF_UNSPEC || (family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&info->local.v6.sin6_addr))) {
        if (index > 0)
            write_interface(socket, index, message, control);
    } else if (family == AF_INET) {
        struct in_pktinfo v4 = {.ipi_ifindex = (int)index, .ipi_spec_dst = info->local.v4.sin_addr};
        control_add(message, control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
    } else {
        struct in6_pktinfo v6 = {.ipi6_ifindex = index, .ipi6_addr = info->local.v6.sin6_addr};
        control_add(message, control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
    }
    return 0;
}

/* A number with a message type in each family. An IPv6 socket sends both; the kernel reads that of the datagram's
 * family. */
static void write_number(const struct udp_socket *socket, int v4_type, int v6_type, int number, struct msghdr *message,
                         union udp_control *control)
{
    control_add(message, control, IPPROTO_IP, v4_type, &number, sizeof number);
    if (socket->family == AF_INET6)
        control_add(message, control, IPPROTO_IPV6, v6_type, &number, sizeof number);
}

int udp_info_write(const struct udp_socket *socket, const struct trale_udp_info *info, uint32_t segment_size,
                   const struct trale_address *to, struct msghdr *message, union udp_control *control)
{
    static const struct trale_udp_info none;
    uint16_t segment = (uint16_t)segment_size;
    int r = 0;
    info = info != NULL ? info : &none;
    if (segment_size > UINT16_MAX || (info->have & ~INFO_ALL) != 0)
        return -EINVAL;
    if ((info->have & TRALE_UDP_INFO_TRAFFIC_CLASS) != 0 && (info->traffic_class < 0 || info->traffic_class > 255))
        return -EINVAL;
    if ((info->have & TRALE_UDP_INFO_TTL) != 0 && (info->ttl < 1 || info->ttl > 255))
        return -EINVAL;
    if (segment > 0)
        control_add(message, control, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    if ((info->have & (TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_INTERFACE)) != 0)
        r = write_local(socket, info, to, message, control);
    if ((info->have & TRALE_UDP_INFO_TRAFFIC_CLASS) != 0)
        write_number(socket, IP_TOS, IPV6_TCLASS, info->traffic_class, message, control);
    if ((info->have & TRALE_UDP_INFO_TTL) != 0)
        write_number(socket, IP_TTL, IPV6_HOPLIMIT, info->ttl, message, control);
    return r;
}
