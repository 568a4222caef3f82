/* SPDX-License-Identifier: MIT */
#include "udp_option.h"

#include <errno.h>
#include <limits.h>

#include "group.h"
#include "option.h"
#include "udp_info.h"

/* --- options ------------------------------------------------------------------------------------------------------ */

static const struct {
    int64_t minimum, maximum;
} ranges[] = {
    [TRALE_UDP_BROADCAST] = {0, 1},
    [TRALE_UDP_TTL] = {1, 255},
    [TRALE_UDP_MULTICAST_TTL] = {0, 255},
    [TRALE_UDP_MULTICAST_LOOP] = {0, 1},
    [TRALE_UDP_MULTICAST_INTERFACE] = {0, INT_MAX},
    [TRALE_UDP_RECEIVE_BUFFER] = {1, INT_MAX},
    [TRALE_UDP_SEND_BUFFER] = {1, INT_MAX},
    [TRALE_UDP_GRO] = {0, 1},
    [TRALE_UDP_INFO] = {0, INT64_MAX},
    [TRALE_UDP_ERRORS] = {0, 1},
    [TRALE_UDP_TRAFFIC_CLASS] = {0, 255},
    [TRALE_UDP_INTERFACE] = {0, INT_MAX},
    [TRALE_UDP_MULTICAST_ALL] = {0, 1},
    [TRALE_UDP_MTU_DISCOVERY] = {TRALE_UDP_MTU_FRAGMENT, TRALE_UDP_MTU_INTERFACE_FRAGMENT},
};

/* Errors that were not received yet are lost. */
static int32_t set_errors(struct udp_socket *base, bool on)
{
    struct world *world = base->udp->program->world;
    struct socket *socket = base->socket;
    if (on && socket->errors == NULL) {
        socket->errors = world_alloc(world, sizeof *socket->errors);
        if (socket->errors == NULL)
            return -ENOMEM;
    } else if (!on) {
        world_give(world, socket->errors, sizeof *socket->errors);
        socket->errors = NULL;
        udp_wake(base, UDP_ERRORS);
    }
    socket->error = 0;
    return 0;
}

static int32_t set_info(struct udp_socket *base, int64_t set)
{
    if ((set & ~(int64_t)UDP_INFO_RECEIVED) != 0)
        return -EINVAL;
    base->info = (uint32_t)set;
    return 0;
}

/* Linux doubles what is asked for. */
static uint32_t buffer_of(int64_t value, uint32_t minimum)
{
    uint32_t doubled = 2 * (value < SOCKET_BUFFER ? (uint32_t)value : SOCKET_BUFFER);
    return doubled > minimum ? doubled : minimum;
}

void udp_set_buffers(struct udp_socket *socket)
{
    const struct trale_settings *settings = socket->udp->program->settings;
    int64_t receive_buffer = option_integer(settings, OPTION_RECEIVE_BUFFER);
    int64_t send_buffer = option_integer(settings, OPTION_SEND_BUFFER);
    struct socket_options *options = &socket->socket->options;
    if (receive_buffer > 0)
        options->receive_buffer = buffer_of(receive_buffer, SOCKET_RECEIVE_BUFFER_MIN);
    if (send_buffer > 0)
        options->send_buffer = buffer_of(send_buffer, SOCKET_SEND_BUFFER_MIN);
}

static int32_t set_interface(uint32_t *interface_index, int64_t value)
{
    if (value > HOST_NETWORK)
        return -ENODEV;
    *interface_index = (uint32_t)value;
    return 0;
}

int32_t udp_set(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t value)
{
    struct udp_socket *udp_socket = udp_socket_of(base);
    struct socket_options *options = &udp_socket->socket->options;
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.set");
    if (option >= sizeof ranges / sizeof ranges[0] || ranges[option].maximum == 0)
        return -ENOPROTOOPT;
    if (value < ranges[option].minimum || value > ranges[option].maximum)
        return -EINVAL;
    switch (option) {
    case TRALE_UDP_BROADCAST:
        options->broadcast = value != 0;
        return 0;
    case TRALE_UDP_TTL:
        options->ttl = (uint8_t)value;
        return 0;
    case TRALE_UDP_MULTICAST_TTL:
        options->multicast_ttl = (uint8_t)value;
        return 0;
    case TRALE_UDP_MULTICAST_LOOP:
        options->multicast_loop = value != 0;
        return 0;
    case TRALE_UDP_MULTICAST_INTERFACE:
        if (value > 0 && value <= HOST_NETWORK && options->interface_index != 0 && options->interface_index != value)
            return -EINVAL;
        return set_interface(&options->multicast_interface, value);
    case TRALE_UDP_RECEIVE_BUFFER:
        options->receive_buffer = buffer_of(value, SOCKET_RECEIVE_BUFFER_MIN);
        return 0;
    case TRALE_UDP_SEND_BUFFER:
        options->send_buffer = buffer_of(value, SOCKET_SEND_BUFFER_MIN);
        return 0;
    case TRALE_UDP_GRO:
        options->gro = value != 0;
        return 0;
    case TRALE_UDP_INFO:
        return set_info(udp_socket, value);
    case TRALE_UDP_ERRORS:
        return set_errors(udp_socket, value != 0);
    case TRALE_UDP_TRAFFIC_CLASS:
        options->traffic_class = (uint8_t)value;
        return 0;
    case TRALE_UDP_INTERFACE:
        return set_interface(&options->interface_index, value);
    case TRALE_UDP_MULTICAST_ALL:
        options->multicast_all = options->multicast_all_v4 = value != 0;
        return 0;
    default:
        options->mtu_discovery = (uint8_t)value;
        return 0;
    }
}

static int32_t get_path_mtu(const struct udp_socket *base, int64_t *value)
{
    struct route route;
    const struct socket *socket = base->socket;
    if (!socket->is_connected)
        return -ENOTCONN;
    int r = route_find(socket, &socket->peer, NULL, 0, &route);
    if (r < 0)
        return r;
    *value = send_path_mtu(base->udp->program->world, socket, &route);
    return 0;
}

int32_t udp_get(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t *value)
{
    const struct udp_socket *udp_socket = udp_socket_of(base);
    const struct socket *socket = udp_socket->socket;
    const struct socket_options *options = &socket->options;
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.get");
    if (option == TRALE_UDP_PATH_MTU)
        return get_path_mtu(udp_socket, value);
    const int64_t values[] = {
        [TRALE_UDP_BROADCAST] = options->broadcast,
        [TRALE_UDP_TTL] = options->ttl,
        [TRALE_UDP_MULTICAST_TTL] = options->multicast_ttl,
        [TRALE_UDP_MULTICAST_LOOP] = options->multicast_loop,
        [TRALE_UDP_MULTICAST_INTERFACE] = options->multicast_interface,
        [TRALE_UDP_RECEIVE_BUFFER] = options->receive_buffer,
        [TRALE_UDP_SEND_BUFFER] = options->send_buffer,
        [TRALE_UDP_GRO] = options->gro,
        [TRALE_UDP_INFO] = udp_socket->info,
        [TRALE_UDP_ERRORS] = socket->errors != NULL,
        [TRALE_UDP_TRAFFIC_CLASS] = options->traffic_class,
        [TRALE_UDP_INTERFACE] = options->interface_index,
        [TRALE_UDP_SEND_QUEUE] = (int64_t)socket->n_sending_bytes,
        [TRALE_UDP_RECEIVE_QUEUE] = (int64_t)socket->n_queued_bytes,
        [TRALE_UDP_DROPS] = socket->n_drops,
        [TRALE_UDP_MULTICAST_ALL] = options->multicast_all,
        [TRALE_UDP_MTU_DISCOVERY] = options->mtu_discovery,
    };
    if (option == 0 || option >= sizeof values / sizeof values[0])
        return -ENOPROTOOPT;
    *value = values[option];
    return 0;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* Whether a socket receives IPv4 datagrams. */
static bool takes_v4(const struct socket *socket)
{
    return socket->family == AF_INET || IN6_IS_ADDR_V4MAPPED(&socket->local.v6.sin6_addr) ||
           (!socket->v6_only && IN6_IS_ADDR_UNSPECIFIED(&socket->local.v6.sin6_addr));
}

/* The group as the world has it. 0, or -EAFNOSUPPORT: the socket cannot be in a group of that family. */
static int32_t group_of(const struct socket *socket, const struct trale_address *address, bool joins,
                        struct trale_address *group)
{
    bool v4_socket = socket->family == AF_INET;
    *group = v4_socket ? *address : trale_address_unmap(address);
    if (trale_address_length(group) == 0 || (v4_socket && group->any.sa_family != AF_INET))
        return -EAFNOSUPPORT;
    return group->any.sa_family == AF_INET && joins && !takes_v4(socket) ? -EAFNOSUPPORT : 0;
}

static int32_t source_of(const struct socket *socket, const struct trale_address *address,
                         const struct trale_address *group, struct trale_address *source)
{
    *source = socket->family == AF_INET ? *address : trale_address_unmap(address);
    return source->any.sa_family == group->any.sa_family ? 0 : -EAFNOSUPPORT;
}

int32_t udp_join(void *instance, struct trale_udp_socket *base, const struct trale_address *address,
                 uint32_t interface_index)
{
    struct socket *socket = udp_socket_of(base)->socket;
    struct trale_address group;
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.join");
    int32_t r = group_of(socket, address, true, &group);
    return r < 0 ? r : group_join(((struct udp *)instance)->program->world, socket, &group, interface_index);
}

int32_t udp_leave(void *instance, struct trale_udp_socket *base, const struct trale_address *address,
                  uint32_t interface_index)
{
    struct socket *socket = udp_socket_of(base)->socket;
    struct trale_address group;
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.leave");
    int32_t r = group_of(socket, address, false, &group);
    return r < 0 ? r : group_leave(((struct udp *)instance)->program->world, socket, &group, interface_index);
}

int32_t udp_join_source(void *instance, struct trale_udp_socket *base, const struct trale_address *address,
                        const struct trale_address *source_address, uint32_t interface_index)
{
    struct socket *socket = udp_socket_of(base)->socket;
    struct trale_address group, source;
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.join_source");
    int32_t r = group_of(socket, address, true, &group);
    if (r == 0)
        r = source_of(socket, source_address, &group, &source);
    return r < 0
               ? r
               : group_join_source(((struct udp *)instance)->program->world, socket, &group, &source, interface_index);
}

int32_t udp_leave_source(void *instance, struct trale_udp_socket *base, const struct trale_address *address,
                         const struct trale_address *source_address, uint32_t interface_index)
{
    struct socket *socket = udp_socket_of(base)->socket;
    struct trale_address group, source;
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.leave_source");
    int32_t r = group_of(socket, address, false, &group);
    if (r == 0)
        r = source_of(socket, source_address, &group, &source);
    return r < 0
               ? r
               : group_leave_source(((struct udp *)instance)->program->world, socket, &group, &source, interface_index);
}
