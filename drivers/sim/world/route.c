/* SPDX-License-Identifier: MIT
 *
 * As Linux finds it: net/ipv4/route.c, ip_route_output_key_hash_rcu(), and net/ipv6/route.c. */
#include "route.h"

#include <errno.h>

static bool is_any(const struct trale_address *address)
{
    return address->any.sa_family == AF_UNSPEC || trale_address_is_unspecified(address);
}

static struct trale_address v4_address(uint32_t number, uint16_t port)
{
    return (struct trale_address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(number)}}};
}

static bool is_mapped(const struct trale_address *address)
{
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

/* 0.0.0.0 is the sender itself, and :: is ::1, or 127.0.0.1 for a socket of mapped addresses. */
static struct trale_address destination(const struct socket *socket, const struct trale_address *to,
                                        const struct trale_address *source)
{
    struct trale_address address = trale_address_unmap(to);
    uint16_t port = trale_address_port(&address);
    if (!trale_address_is_unspecified(&address))
        return address;
    if (address.any.sa_family == AF_INET6 && is_mapped(&socket->local))
        return v4_address(INADDR_LOOPBACK, port);
    if (address.any.sa_family == AF_INET6) {
        address.v6.sin6_addr = in6addr_loopback;
    } else {
        address = is_any(source) ? v4_address(INADDR_LOOPBACK, port) : *source;
        trale_address_set_port(&address, port);
    }
    return address;
}

/* The source that a socket has for datagrams of that family, as far as it is bound; else 0.0.0.0 or ::. */
static struct trale_address bound_source(const struct socket *socket, sa_family_t family)
{
    const struct trale_address local = trale_address_unmap(&socket->local);
    const struct trale_address *chosen = family == AF_INET ? &socket->v4_source : &socket->v6_source;
    if (chosen->any.sa_family == family)
        return *chosen;
    if (local.any.sa_family == family && !trale_address_is_multicast(&local) &&
        !(family == AF_INET && host_broadcasts(socket->host, &local)))
        return local;
    return (struct trale_address){.any = {.sa_family = family}};
}

/* The interface that a datagram leaves by when neither its sender nor its socket names one. */
static uint32_t route_interface(const struct socket *socket, const struct trale_address *to,
                                const struct trale_address *source)
{
    if (trale_address_is_multicast(to)) {
        if (socket->options.multicast_interface != 0)
            return socket->options.multicast_interface;
        if (to->any.sa_family == AF_INET6 && to->v6.sin6_scope_id != 0)
            return to->v6.sin6_scope_id;
        bool v4 = to->any.sa_family == AF_INET;
        return v4 && !is_any(source) && trale_address_is_loopback(source) ? HOST_LOOPBACK : HOST_NETWORK;
    }
    if (to->any.sa_family == AF_INET && to->v4.sin_addr.s_addr == INADDR_BROADCAST && !is_any(source))
        return trale_address_is_loopback(source) ? HOST_LOOPBACK : HOST_NETWORK;
    return trale_address_is_loopback(to) ? HOST_LOOPBACK : HOST_NETWORK;
}

/* The source of a datagram that has none: an address of the interface that it leaves by. */
static int choose_source(const struct host *host, struct route *route)
{
    bool v4 = route->to.any.sa_family == AF_INET;
    const struct trale_address *own = v4 ? &host->v4 : &host->v6;
    /* 127.0.0.1 is a source for destinations like it alone, whichever interface a datagram leaves by. */
    bool needs_own = v4 && !trale_address_is_loopback(&route->to) && own->any.sa_family == AF_INET;
    if (route->interface_index == HOST_LOOPBACK && !needs_own) {
        route->from = v4_address(INADDR_LOOPBACK, 0);
        if (!v4)
            route->from = (struct trale_address){.v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback}};
        return 0;
    }
    if (own->any.sa_family == AF_UNSPEC)
        return -ENETUNREACH;
    route->from = *own;
    return 0;
}

/* Each interface has a broadcast address of its own, and both have 255.255.255.255. */
static bool is_broadcast(const struct host *host, const struct route *route)
{
    if (!host_broadcasts(host, &route->to))
        return false;
    return route->to.v4.sin_addr.s_addr == INADDR_BROADCAST ||
           trale_address_is_loopback(&route->to) == (route->interface_index == HOST_LOOPBACK);
}

static enum route_kind route_kind(const struct socket *socket, const struct route *route)
{
    const struct host *host = socket->host;
    if (trale_address_is_multicast(&route->to))
        return ROUTE_GROUP;
    if (is_broadcast(host, route))
        return ROUTE_BROADCAST;
    if (host_has(host, &route->to))
        return trale_address_is_loopback(&route->to) && route->interface_index != HOST_LOOPBACK ? ROUTE_NOWHERE
                                                                                                : ROUTE_LOCAL;
    /* What leaves by the loopback interface comes back in, whatever its address. */
    return route->interface_index == HOST_LOOPBACK ? ROUTE_LOCAL : ROUTE_HOST;
}

/* What the kernel refuses. */
static int route_check(const struct socket *socket, struct route *route, bool is_chosen)
{
    bool v6 = route->to.any.sa_family == AF_INET6;
    if (v6 && route->interface_index == HOST_LOOPBACK && !trale_address_is_loopback(&route->to))
        return -ENETUNREACH;
    if (v6 && is_mapped(&socket->local) && !is_chosen)
        return -EAFNOSUPPORT;
    bool is_foreign = trale_address_is_loopback(&route->from) && route->interface_index == HOST_NETWORK;
    is_foreign &= route->kind != ROUTE_LOCAL;
    if (is_foreign && !v6)
        return -EINVAL;
    if (is_foreign)
        route->kind = ROUTE_NOWHERE; /* it leaves, and no host takes it */
    return route->kind == ROUTE_BROADCAST && !socket->options.broadcast ? -EACCES : 0;
}

int route_find(const struct socket *socket, const struct trale_address *to, const struct trale_address *source,
               uint32_t interface_index, struct route *route)
{
    bool is_chosen = source != NULL && !is_any(source);
    sa_family_t family = trale_address_unmap(to).any.sa_family;
    if (family == AF_INET6 && is_mapped(&socket->local) && trale_address_is_unspecified(to))
        family = AF_INET;
    const struct host *host = socket->host;
    uint32_t asked = interface_index;
    if (family != socket->family && (family == AF_INET6 || socket->v6_only))
        return socket->family == AF_INET ? -EAFNOSUPPORT : -ENETUNREACH;
    struct trale_address from = bound_source(socket, family);
    if (is_chosen)
        from = trale_address_unmap(source);
    if (from.any.sa_family != family)
        return -EINVAL;
    if (is_chosen && !host_has(host, &from) && !socket->free_bind)
        return -EINVAL;
    if (asked == 0)
        asked = socket->options.interface_index;
    bool is_itself = trale_address_unmap(to).any.sa_family == AF_INET && trale_address_is_unspecified(to);
    if (is_itself && asked == HOST_NETWORK && is_any(&from) && host->v4.any.sa_family == AF_INET)
        from = host->v4;
    route->to = destination(socket, to, &from);
    if (asked == 0 && trale_address_is_link_local(&route->to) && family == AF_INET6)
        asked = route->to.v6.sin6_scope_id;
    if (asked > HOST_NETWORK)
        return -ENODEV;
    if (asked == HOST_NETWORK && family == AF_INET6 && is_chosen && trale_address_is_loopback(&from))
        return -EINVAL;
    if (asked == 0 && family == AF_INET6 && trale_address_is_link_local(&route->to))
        return -EINVAL;
    if (asked == 0)
        asked = trale_address_is_unspecified(to) ? HOST_LOOPBACK : route_interface(socket, &route->to, &from);
    route->interface_index = asked;
    route->from = from;
    if (is_any(&from)) {
        int r = choose_source(host, route);
        if (r < 0)
            return r;
    }
    trale_address_set_port(&route->from, trale_address_port(&socket->local));
    route->kind = is_itself ? ROUTE_LOCAL : route_kind(socket, route);
    return route_check(socket, route, is_chosen);
}
