/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <errno.h>

#include "group.h"
#include "port.h"
#include "route.h"

struct trale_address peer_show(const struct socket *socket, const struct trale_address *address)
{
    if (socket->family == AF_INET || address->any.sa_family != AF_INET)
        return *address;
    struct trale_address mapped = {.v6 = {.sin6_family = AF_INET6, .sin6_port = address->v4.sin_port}};
    mapped.v6.sin6_addr.s6_addr[10] = mapped.v6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.v6.sin6_addr.s6_addr[12], &address->v4.sin_addr, sizeof address->v4.sin_addr);
    return mapped;
}

/* The host that a socket of that address is on. */
static struct host *host_of(struct world *world, struct host *here, const struct trale_address *local)
{
    const struct trale_address address = trale_address_unmap(local);
    if (trale_address_is_unspecified(&address) || trale_address_is_loopback(&address) ||
        trale_address_is_multicast(&address) || host_broadcasts(here, &address))
        return here;
    return host_get(world, &address);
}

int peer_open(struct world *world, struct host *here, const struct trale_address *local, const struct peer_flags *flags,
              struct socket **socket)
{
    bool is_mapped = local->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&local->v6.sin6_addr);
    bool lacks_zone = local->any.sa_family == AF_INET6 && trale_address_is_link_local(local) && !is_mapped &&
                      local->v6.sin6_scope_id == 0;
    if ((is_mapped && flags->v6_only) || lacks_zone)
        return -EINVAL;
    struct host *host = host_of(world, here, local);
    struct socket *opened = host != NULL ? socket_new(world, host, local->any.sa_family) : NULL;
    if (opened == NULL)
        return -ENOMEM;
    opened->reuse_address = flags->reuse_address;
    opened->reuse_port = flags->reuse_port;
    /* As Linux has it (__inet6_bind): one that is bound to an address of IPv6 has nothing to do with IPv4. */
    opened->v6_only = opened->family == AF_INET6 && !is_mapped &&
                      (flags->v6_only || !trale_address_is_unspecified(local));
    opened->free_bind = flags->free_bind;
    int r = port_bind(world, opened, local);
    if (r < 0) {
        socket_free(world, opened);
        return r;
    }
    *socket = opened;
    return 0;
}

void peer_close(struct world *world, struct socket *socket)
{
    group_leave_all(world, socket);
    port_unbind(socket);
    socket_free(world, socket);
}

static int peer_remove(struct world *world, struct socket *socket)
{
    if (!socket->is_connected)
        return 0;
    if (socket->family == AF_INET6)
        return -EOPNOTSUPP;
    socket->is_connected = false;
    if (trale_address_is_unspecified(&socket->bound)) {
        socket->local = socket->bound;
        socket->v4_source = (struct trale_address){.any = {.sa_family = AF_UNSPEC}};
        socket->bind_order = ++world->n_addresses;
    }
    port_update(socket);
    return 0;
}

/* What the first peer of a socket decides. */
static void peer_choose_source(struct world *world, struct socket *socket, const struct route *route)
{
    const struct trale_address bound = trale_address_unmap(&socket->bound);
    bool v4 = route->from.any.sa_family == AF_INET;
    struct trale_address *source = v4 ? &socket->v4_source : &socket->v6_source;
    bool is_none = trale_address_is_unspecified(&bound) || trale_address_is_multicast(&bound) ||
                   host_broadcasts(socket->host, &bound);
    if (is_none && source->any.sa_family == AF_UNSPEC) {
        *source = route->from;
        trale_address_set_port(source, 0);
    }
    if (trale_address_is_unspecified(&socket->local)) {
        socket->local = peer_show(socket, &route->from);
        socket->bind_order = ++world->n_addresses;
    }
}

/* Whether an address means something only together with an interface. */
static bool needs_zone(const struct trale_address *address)
{
    if (address->any.sa_family != AF_INET6)
        return false;
    const struct in6_addr *bytes = &address->v6.sin6_addr;
    return IN6_IS_ADDR_LINKLOCAL(bytes) || IN6_IS_ADDR_MC_NODELOCAL(bytes) || IN6_IS_ADDR_MC_LINKLOCAL(bytes);
}

/* A peer that needs an interface binds its socket to one: that of its zone; or, if it is a group, that of the socket's
 * groups. As in Linux, the socket stays bound to it, also if it gets another peer or none. */
static int peer_bind_interface(struct socket *socket, const struct trale_address *peer)
{
    uint32_t *interface_index = &socket->options.interface_index, zone = peer->v6.sin6_scope_id;
    if (zone != 0 && *interface_index != 0 && zone != *interface_index)
        return -EINVAL;
    if (zone != 0)
        *interface_index = zone;
    else if (*interface_index == 0 && trale_address_is_multicast(peer))
        *interface_index = socket->options.multicast_interface;
    return *interface_index == 0 ? -EINVAL : 0;
}

struct trale_address peer_address(const struct socket *socket)
{
    struct trale_address peer = socket->peer;
    if (needs_zone(&peer))
        peer.v6.sin6_scope_id = socket->options.interface_index;
    return peer;
}

int peer_connect(struct world *world, struct socket *socket, const struct trale_address *peer)
{
    struct route route;
    if (peer->any.sa_family == AF_UNSPEC)
        return peer_remove(world, socket);
    if (trale_address_length(peer) == 0 || (socket->family == AF_INET && peer->any.sa_family == AF_INET6) ||
        (socket->v6_only && peer->any.sa_family == AF_INET))
        return -EAFNOSUPPORT;
    int r = needs_zone(peer) ? peer_bind_interface(socket, peer) : 0;
    if (r < 0)
        return r;
    r = route_find(socket, peer, NULL, 0, &route);
    if (r == 0 && trale_address_is_unspecified(peer)) {
        struct trale_address found = route.to;
        r = route_find(socket, &found, NULL, 0, &route);
    }
    if (r < 0)
        return r;
    peer_choose_source(world, socket, &route);
    socket->peer = peer_show(socket, &route.to);
    socket->is_connected = true;
    socket->peer_order = ++world->n_addresses;
    port_update(socket);
    return 0;
}
