/* SPDX-License-Identifier: MIT */
#include "udp_option.h"

#include <limits.h>
#include <netinet/udp.h>

#include "udp.h"

#ifndef UDP_GRO /* <netinet/udp.h> of before glibc 2.34 */
#define UDP_GRO 104
#endif

/* What one option is called in each family; name 0: not at all. */
struct option {
    struct {
        int level, name;
    } v4, v6;
    int64_t minimum, maximum;
};

static const struct option options[] = {
    [TRALE_UDP_BROADCAST] = {{SOL_SOCKET, SO_BROADCAST}, {0, 0}, 0, 1},
    [TRALE_UDP_TTL] = {{IPPROTO_IP, IP_TTL}, {IPPROTO_IPV6, IPV6_UNICAST_HOPS}, 1, 255},
    [TRALE_UDP_MULTICAST_TTL] = {{IPPROTO_IP, IP_MULTICAST_TTL}, {IPPROTO_IPV6, IPV6_MULTICAST_HOPS}, 0, 255},
    [TRALE_UDP_MULTICAST_LOOP] = {{IPPROTO_IP, IP_MULTICAST_LOOP}, {IPPROTO_IPV6, IPV6_MULTICAST_LOOP}, 0, 1},
    [TRALE_UDP_MULTICAST_INTERFACE] = {{IPPROTO_IP, IP_MULTICAST_IF}, {IPPROTO_IPV6, IPV6_MULTICAST_IF}, 0, INT_MAX},
    [TRALE_UDP_RECEIVE_BUFFER] = {{SOL_SOCKET, SO_RCVBUF}, {SOL_SOCKET, SO_RCVBUF}, 1, INT_MAX},
    [TRALE_UDP_SEND_BUFFER] = {{SOL_SOCKET, SO_SNDBUF}, {SOL_SOCKET, SO_SNDBUF}, 1, INT_MAX},
    [TRALE_UDP_GRO] = {{IPPROTO_UDP, UDP_GRO}, {IPPROTO_UDP, UDP_GRO}, 0, 1},
};

/* Where the kernel keeps an option of this socket; false if it has no such option. */
static bool option_find(const struct udp_socket *socket, uint32_t option, int *level, int *name)
{
    if (option >= sizeof options / sizeof options[0])
        return false;
    bool v6 = socket->family == AF_INET6;
    *level = v6 ? options[option].v6.level : options[option].v4.level;
    *name = v6 ? options[option].v6.name : options[option].v4.name;
    return *name != 0;
}

static bool is_v4_multicast_interface(const struct udp_socket *socket, uint32_t option)
{
    return option == TRALE_UDP_MULTICAST_INTERFACE && socket->family == AF_INET;
}

int32_t udp_option_set(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t value)
{
    (void)instance;
    struct udp_socket *socket = (struct udp_socket *)base;
    int level, name;
    if (!option_find(socket, option, &level, &name))
        return -ENOPROTOOPT;
    if (value < options[option].minimum || value > options[option].maximum)
        return -EINVAL;
    int number = (int)value;
    if (!is_v4_multicast_interface(socket, option)) {
        if (setsockopt(socket->fd, level, name, &number, sizeof number) < 0)
            return -errno;
        if (option == TRALE_UDP_GRO)
            socket->gro = number != 0;
        return 0;
    }
    struct ip_mreqn request = {.imr_ifindex = number};
    if (setsockopt(socket->fd, level, name, &request, sizeof request) < 0)
        return errno == EADDRNOTAVAIL ? -ENODEV : -errno;
    socket->multicast_interface = number;
    return 0;
}

int32_t udp_option_get(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t *value)
{
    (void)instance;
    struct udp_socket *socket = (struct udp_socket *)base;
    int level, name, number = socket->multicast_interface;
    if (!option_find(socket, option, &level, &name))
        return -ENOPROTOOPT;
    socklen_t size = sizeof number;
    if (!is_v4_multicast_interface(socket, option) && getsockopt(socket->fd, level, name, &number, &size) < 0)
        return -errno;
    *value = number;
    return 0;
}

static int32_t group_change(struct trale_udp_socket *base, const struct trale_address *group, uint32_t interface_index,
                            bool join)
{
    struct udp_socket *socket = (struct udp_socket *)base;
    if (group->any.sa_family != socket->family)
        return -EAFNOSUPPORT;
    int r;
    if (socket->family == AF_INET) {
        struct ip_mreqn request = {.imr_multiaddr = group->v4.sin_addr, .imr_ifindex = (int)interface_index};
        int name = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
        r = setsockopt(socket->fd, IPPROTO_IP, name, &request, sizeof request);
    } else {
        struct ipv6_mreq request = {.ipv6mr_multiaddr = group->v6.sin6_addr, .ipv6mr_interface = interface_index};
        int name = join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
        r = setsockopt(socket->fd, IPPROTO_IPV6, name, &request, sizeof request);
    }
    return r < 0 ? -errno : 0;
}

int32_t udp_option_join(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                        uint32_t interface_index)
{
    (void)instance;
    return group_change(socket, group, interface_index, true);
}

int32_t udp_option_leave(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                         uint32_t interface_index)
{
    (void)instance;
    return group_change(socket, group, interface_index, false);
}
