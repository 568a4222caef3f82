/* SPDX-License-Identifier: MIT */
#include "dual.h"

#include <errno.h>

static int32_t v6_set(const struct udp_socket *socket, const struct dual_option *option, int value)
{
    return setsockopt(socket->fd, option->v6.level, option->v6.name, &value, sizeof value) < 0 ? -errno : 0;
}

static int32_t v4_set(const struct udp_socket *socket, const struct dual_option *option, int value)
{
    /* The one option that IPv4 takes as a structure. Its error for a missing interface is another than IPv6's. */
    struct ip_mreqn multicast = {.imr_ifindex = value};
    bool is_multicast = option->v4.level == IPPROTO_IP && option->v4.name == IP_MULTICAST_IF;
    const void *data = is_multicast ? (const void *)&multicast : &value;
    socklen_t size = is_multicast ? sizeof multicast : sizeof value;
    if (setsockopt(socket->fd, option->v4.level, option->v4.name, data, size) == 0)
        return 0;
    return is_multicast && errno == EADDRNOTAVAIL ? -ENODEV : -errno;
}

int32_t dual_set(const struct udp_socket *socket, const struct dual_option *option, int value)
{
    int before = 0;
    if (socket->family == AF_INET)
        return v4_set(socket, option, value);
    if (option->v4.level == option->v6.level && option->v4.name == option->v6.name)
        return v6_set(socket, option, value);
    int32_t r = dual_get(socket, option, &before);
    if (r == 0)
        r = v6_set(socket, option, value);
    if (r < 0)
        return r;
    r = v4_set(socket, option, value);
    if (r < 0)
        v6_set(socket, option, before);
    return r;
}

int32_t dual_get(const struct udp_socket *socket, const struct dual_option *option, int *value)
{
    bool v6 = socket->family == AF_INET6;
    int number;
    socklen_t size = sizeof number;
    if (getsockopt(socket->fd, v6 ? option->v6.level : option->v4.level, v6 ? option->v6.name : option->v4.name,
                   &number, &size) < 0)
        return -errno;
    *value = number;
    return 0;
}
