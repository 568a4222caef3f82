/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <limits.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include "dual.h"
#include "error.h"
#include "info.h"

#ifndef UDP_GRO /* <netinet/udp.h> of before glibc 2.34 */
#define UDP_GRO 104
#endif

#ifndef SO_BINDTOIFINDEX /* <sys/socket.h> of before glibc 2.31 */
#define SO_BINDTOIFINDEX 62
#endif
#ifndef IPV6_MULTICAST_ALL /* <netinet/in.h> of before glibc 2.30 */
#define IPV6_MULTICAST_ALL 29
#endif

struct option {
    struct dual_option kernel; /* all zero: none */
    int64_t minimum, maximum;
};

static const struct option options[] = {
    [TRALE_UDP_BROADCAST] = {{{SOL_SOCKET, SO_BROADCAST}, {SOL_SOCKET, SO_BROADCAST}}, 0, 1},
    [TRALE_UDP_TTL] = {{{IPPROTO_IP, IP_TTL}, {IPPROTO_IPV6, IPV6_UNICAST_HOPS}}, 1, 255},
    [TRALE_UDP_MULTICAST_TTL] = {{{IPPROTO_IP, IP_MULTICAST_TTL}, {IPPROTO_IPV6, IPV6_MULTICAST_HOPS}}, 0, 255},
    [TRALE_UDP_MULTICAST_LOOP] = {{{IPPROTO_IP, IP_MULTICAST_LOOP}, {IPPROTO_IPV6, IPV6_MULTICAST_LOOP}}, 0, 1},
    [TRALE_UDP_MULTICAST_INTERFACE] = {{{IPPROTO_IP, IP_MULTICAST_IF}, {IPPROTO_IPV6, IPV6_MULTICAST_IF}}, 0, INT_MAX},
    [TRALE_UDP_RECEIVE_BUFFER] = {{{SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_RCVBUF}}, 1, INT_MAX},
    [TRALE_UDP_SEND_BUFFER] = {{{SOL_SOCKET, SO_SNDBUF}, {SOL_SOCKET, SO_SNDBUF}}, 1, INT_MAX},
    [TRALE_UDP_GRO] = {{{IPPROTO_UDP, UDP_GRO}, {IPPROTO_UDP, UDP_GRO}}, 0, 1},
    [TRALE_UDP_TRAFFIC_CLASS] = {{{IPPROTO_IP, IP_TOS}, {IPPROTO_IPV6, IPV6_TCLASS}}, 0, 255},
    [TRALE_UDP_INTERFACE] = {{{SOL_SOCKET, SO_BINDTOIFINDEX}, {SOL_SOCKET, SO_BINDTOIFINDEX}}, 0, INT_MAX},
    [TRALE_UDP_MULTICAST_ALL] = {{{IPPROTO_IP, IP_MULTICAST_ALL}, {IPPROTO_IPV6, IPV6_MULTICAST_ALL}}, 0, 1},
    [TRALE_UDP_MTU_DISCOVERY] = {{{IPPROTO_IP, IP_MTU_DISCOVER}, {IPPROTO_IPV6, IPV6_MTU_DISCOVER}},
                                 TRALE_UDP_MTU_FRAGMENT,
                                 TRALE_UDP_MTU_INTERFACE_FRAGMENT},
};

/* NULL: there is no such option, or only reading_get knows it. */
static const struct option *option_find(uint32_t option)
{
    if (option >= sizeof options / sizeof options[0] || options[option].kernel.v4.name == 0)
        return NULL;
    return &options[option];
}

int32_t udp_option_set(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t value)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.set");
    struct udp_socket *socket = (struct udp_socket *)base;
    if (option == TRALE_UDP_INFO)
        return udp_info_set(socket, value);
    if (option == TRALE_UDP_ERRORS)
        return value == 0 || value == 1 ? udp_error_switch(socket, value == 1) : -EINVAL;
    const struct option *found = option_find(option);
    if (found == NULL)
        return -ENOPROTOOPT;
    if (value < found->minimum || value > found->maximum)
        return -EINVAL;
    /* The kernel does not check that the interface exists. */
    char interface[IF_NAMESIZE];
    if (option == TRALE_UDP_INTERFACE && value > 0 && if_indextoname((unsigned)value, interface) == NULL)
        return -ENODEV;
    int32_t r = dual_set(socket, &found->kernel, (int)value);
    if (r < 0)
        return r;
    if (option == TRALE_UDP_GRO)
        socket->gro = value != 0;
    if (option == TRALE_UDP_MULTICAST_INTERFACE)
        socket->multicast_interface = (int)value;
    return 0;
}

static int32_t memory_get(int fd, size_t which, int64_t *value)
{
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
        return -errno;
    *value = memory[which];
    return 0;
}

static int32_t path_mtu_get(const struct udp_socket *socket, int64_t *value)
{
    static const struct dual_option path_mtu = {{IPPROTO_IP, IP_MTU}, {IPPROTO_IPV6, IPV6_MTU}};
    int mtu;
    int32_t r = dual_get(socket, &path_mtu, &mtu);
    if (r == 0)
        *value = mtu;
    return r;
}

/* The options that can only be read, and the driver's own. -ENOPROTOOPT for any other. */
static int32_t reading_get(const struct udp_socket *socket, uint32_t option, int64_t *value)
{
    int n_bytes, fd = socket->fd;
    switch (option) {
    case TRALE_UDP_INFO:
        *value = socket->info;
        return 0;
    case TRALE_UDP_ERRORS:
        *value = socket->keeps_errors;
        return 0;
    case TRALE_UDP_PATH_MTU:
        return path_mtu_get(socket, value);
    case TRALE_UDP_SEND_QUEUE:
        if (ioctl(fd, SIOCOUTQ, &n_bytes) < 0)
            return -errno;
        *value = n_bytes;
        return 0;
    case TRALE_UDP_RECEIVE_QUEUE:
        return memory_get(fd, SK_MEMINFO_RMEM_ALLOC, value);
    case TRALE_UDP_DROPS:
        return memory_get(fd, SK_MEMINFO_DROPS, value);
    default:
        return -ENOPROTOOPT;
    }
}

int32_t udp_option_get(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t *value)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.get");
    struct udp_socket *socket = (struct udp_socket *)base;
    const struct option *found = option_find(option);
    int number = socket->multicast_interface;
    if (found == NULL)
        return reading_get(socket, option, value);
    if (option != TRALE_UDP_MULTICAST_INTERFACE || socket->family == AF_INET6) {
        int32_t r = dual_get(socket, &found->kernel, &number);
        if (r < 0)
            return r;
    }
    *value = number;
    return 0;
}
