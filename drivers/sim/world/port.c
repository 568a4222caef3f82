/* SPDX-License-Identifier: MIT
 *
 * The rules are those of Linux: net/ipv4/udp.c and net/ipv6/udp.c, udp_lib_lport_inuse() for binding and
 * compute_score() for finding. */
#include "port.h"

#include <errno.h>

#include "list.h"

static bool is_any(const struct trale_address *address)
{
    return trale_address_is_unspecified(address);
}

/* Whether a socket is bound to that address; `any` says whether to all addresses counts. */
static bool is_at(const struct socket *socket, const struct trale_address *address, bool any)
{
    const struct trale_address local = trale_address_unmap(&socket->local);
    return is_any(&local) ? any : host_is_same(&local, address);
}

/* --- binding ------------------------------------------------------------------------------------------------------ */

void port_update(struct socket *socket)
{
    const struct trale_address local = trale_address_unmap(&socket->local);
    bool peer_is_v4 = socket->is_connected && trale_address_unmap(&socket->peer).any.sa_family == AF_INET;
    bool peer_is_v6 = socket->is_connected && !peer_is_v4;
    bool is_open = socket->family == AF_INET6 && !socket->v6_only &&
                   IN6_IS_ADDR_UNSPECIFIED(&socket->local.v6.sin6_addr);
    socket->takes_v4 = (local.any.sa_family == AF_INET || is_open) && !peer_is_v6;
    socket->takes_v6 = local.any.sa_family == AF_INET6 && !peer_is_v4;
}

/* The address of a socket as Linux has it for IPv4: one of IPv6 alone is LOOPBACK4_IPV6 there. */
static in_addr_t v4_of(const struct socket *socket)
{
    const struct trale_address local = trale_address_unmap(&socket->local);
    if (local.any.sa_family == AF_INET)
        return local.v4.sin_addr.s_addr;
    return is_any(&local) ? htonl(INADDR_ANY) : htonl(0x7f000006);
}

static bool overlap_v4(const struct socket *a, const struct socket *b)
{
    const in_addr_t any = htonl(INADDR_ANY);
    return !b->v6_only && (v4_of(a) == v4_of(b) || v4_of(a) == any || v4_of(b) == any);
}

/* Whether a socket keeps a new one, a, from its address (inet_rcv_saddr_equal). A socket of both families may have an
 * address of IPv6 and a peer of IPv4, or the other way round: it is the address that counts. */
static bool overlap(const struct socket *a, const struct socket *b)
{
    if (a->family == AF_INET)
        return overlap_v4(a, b);
    const struct in6_addr *at = &a->local.v6.sin6_addr;
    const struct in6_addr *other = b->family == AF_INET6 ? &b->local.v6.sin6_addr : NULL;
    bool is_v4 = IN6_IS_ADDR_V4MAPPED(at), other_is_v4 = other == NULL || IN6_IS_ADDR_V4MAPPED(other);
    if (is_v4 && other_is_v4)
        return overlap_v4(a, b);
    if (other != NULL && IN6_IS_ADDR_UNSPECIFIED(other) && !(b->v6_only && is_v4))
        return true;
    if (IN6_IS_ADDR_UNSPECIFIED(at) && !(a->v6_only && other_is_v4))
        return true;
    return other != NULL && IN6_ARE_ADDR_EQUAL(at, other);
}

static bool is_in_use(const struct host *host, const struct socket *socket, uint16_t number)
{
    const struct host_port *port = host_port_find(host, number);
    if (port == NULL)
        return false;
    for (const struct trale_link *link = port->sockets.next; link != &port->sockets; link = link->next) {
        const struct socket *other = list_entry(link, struct socket, port_link);
        uint32_t a = socket->options.interface_index, b = other->options.interface_index;
        if ((socket->reuse_address && other->reuse_address) || (socket->reuse_port && other->reuse_port))
            continue;
        if ((a == 0 || b == 0 || a == b) && overlap(socket, other))
            return true;
    }
    return false;
}

/* 0: all are in use. */
static uint16_t port_choose(const struct world *world, struct host *host, const struct socket *socket)
{
    enum { N = PORT_EPHEMERAL_LAST - PORT_EPHEMERAL_FIRST + 1 };
    static const char stream[] = "port";
    uint64_t first = draw_below(world_draw(world, draw_stream(stream), host->key, 0), N);
    for (uint32_t i = 0; i < N; i++) {
        uint16_t number = (uint16_t)(PORT_EPHEMERAL_FIRST + (first + host->n_ephemeral++) % N);
        if (!is_in_use(host, socket, number))
            return number;
    }
    return 0;
}

int port_bind(struct world *world, struct socket *socket, const struct trale_address *local)
{
    uint16_t number = trale_address_port(local);
    socket->local = *local;
    port_update(socket);
    if (number == 0)
        number = port_choose(world, socket->host, socket);
    else if (is_in_use(socket->host, socket, number))
        number = 0;
    if (number == 0)
        return -EADDRINUSE;
    struct host_port *port = host_port_get(world, socket->host, number);
    if (port == NULL)
        return -ENOMEM;
    trale_address_set_port(&socket->local, number);
    socket->bound = socket->local;
    socket->bind_order = ++world->n_addresses;
    list_append(&port->sockets, &socket->port_link);
    return 0;
}

void port_unbind(struct socket *socket)
{
    list_remove(&socket->port_link);
}

/* --- finding ------------------------------------------------------------------------------------------------------ */

/* How well a socket fits; -1: not at all. */
static int port_score(const struct socket *socket, const struct trale_address *from, const struct trale_address *to,
                      uint32_t interface_index)
{
    bool v4 = to->any.sa_family == AF_INET;
    if (!(v4 ? socket->takes_v4 : socket->takes_v6) || !is_at(socket, to, true))
        return -1;
    int score = is_at(socket, to, false) ? 100 : 0;
    if (v4 && !socket->is_connected)
        score += socket->family == AF_INET ? 2 : 1;
    if (socket->is_connected) {
        const struct trale_address peer = trale_address_unmap(&socket->peer);
        if (!host_is_same(&peer, from) || trale_address_port(&peer) != trale_address_port(from))
            return -1;
        score += 200;
    }
    if (socket->options.interface_index != 0) {
        if (socket->options.interface_index != interface_index)
            return -1;
        score += 4;
    }
    return score;
}

static bool is_in_group(const struct socket *socket, const struct socket *best)
{
    return socket->reuse_port && !socket->is_connected && socket->family == best->family &&
           socket->v6_only == best->v6_only && socket->options.interface_index == best->options.interface_index &&
           host_is_same(&socket->local, &best->local);
}

/* Of the sockets that share the port with this one, the one for that sender: always the same, while they are the same
 * sockets. */
static struct socket *group_choose(const struct world *world, const struct host_port *port, struct socket *best,
                                   const struct trale_address *from, const struct trale_address *to)
{
    uint64_t n = 0, key = draw_fold(host_key(from), trale_address_port(from));
    for (const struct trale_link *link = port->sockets.next; link != &port->sockets; link = link->next)
        n += is_in_group(list_entry(link, struct socket, port_link), best);
    if (n < 2)
        return best;
    static const char stream[] = "reuse port";
    key = draw_fold(draw_fold(key, host_key(to)), trale_address_port(to));
    uint64_t chosen = draw_below(world_draw(world, draw_stream(stream), key, 0), n);
    for (const struct trale_link *link = port->sockets.next; link != &port->sockets; link = link->next) {
        struct socket *socket = list_entry(link, struct socket, port_link);
        if (is_in_group(socket, best) && chosen-- == 0)
            return socket;
    }
    return best;
}

/* Of sockets that fit alike, such as those that share a port by REUSE_ADDRESS, the later one is found. */
static bool is_later(const struct socket *a, const struct socket *b)
{
    return a->is_connected ? a->peer_order > b->peer_order : a->bind_order > b->bind_order;
}

struct socket *port_find(const struct world *world, const struct host *host, const struct trale_address *from,
                         const struct trale_address *to, uint32_t interface_index)
{
    const struct host_port *port = host_port_find(host, trale_address_port(to));
    struct socket *best = NULL;
    int best_score = -1;
    if (port == NULL)
        return NULL;
    for (const struct trale_link *link = port->sockets.next; link != &port->sockets; link = link->next) {
        struct socket *socket = list_entry(link, struct socket, port_link);
        int score = port_score(socket, from, to, interface_index);
        if (score > best_score || (score == best_score && best != NULL && is_later(socket, best))) {
            best = socket;
            best_score = score;
        }
    }
    return best != NULL && best->reuse_port && !best->is_connected ? group_choose(world, port, best, from, to) : best;
}

bool port_takes(const struct socket *socket, const struct trale_address *from, const struct trale_address *to,
                uint32_t interface_index)
{
    return port_score(socket, from, to, interface_index) >= 0;
}
