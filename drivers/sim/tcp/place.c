/* SPDX-License-Identifier: MIT
 *
 * The rules are those of Linux: net/ipv4/inet_connection_sock.c, inet_csk_get_port() for binding, and
 * net/ipv4/inet_hashtables.c, __inet_hash_connect() for connecting and compute_score() for finding. */
#include "place.h"

#include <errno.h>

#include "list.h"
#include "port.h"

static bool is_same_place(const struct trale_address *a, const struct trale_address *b)
{
    return host_is_same(a, b) && trale_address_port(a) == trale_address_port(b);
}

struct endpoint *place_find(const struct host *host, const struct trale_address *local,
                            const struct trale_address *peer)
{
    const struct host_port *port = host_port_find(host, trale_address_port(local));
    if (port == NULL)
        return NULL;
    for (const struct trale_link *link = port->endpoints.next; link != &port->endpoints; link = link->next) {
        struct endpoint *endpoint = list_entry(link, struct endpoint, port_link);
        if (endpoint->state != ENDPOINT_LISTENS && host_is_same(&endpoint->local, local) &&
            is_same_place(&endpoint->peer, peer))
            return endpoint;
    }
    return NULL;
}

/* --- binding ------------------------------------------------------------------------------------------------------ */

/* Whether one of them takes the other's address. */
static bool overlap(const struct endpoint *a, const struct endpoint *b)
{
    bool any_a = trale_address_is_unspecified(&a->local), any_b = trale_address_is_unspecified(&b->local);
    if (a->local.any.sa_family == b->local.any.sa_family)
        return any_a || any_b || host_is_same(&a->local, &b->local);
    const struct endpoint *v6 = a->local.any.sa_family == AF_INET6 ? a : b;
    return trale_address_is_unspecified(&v6->local) && !v6->v6_only;
}

static bool is_in_use(const struct host *host, const struct endpoint *endpoint, uint16_t number)
{
    const struct host_port *port = host_port_find(host, number);
    if (port == NULL)
        return false;
    for (const struct trale_link *link = port->endpoints.next; link != &port->endpoints; link = link->next) {
        const struct endpoint *other = list_entry(link, struct endpoint, port_link);
        uint32_t a = endpoint->options.interface_index, b = other->options.interface_index;
        bool shares = endpoint->reuse_address && other->reuse_address && other->state != ENDPOINT_LISTENS;
        if (shares || (endpoint->reuse_port && other->reuse_port))
            continue;
        if ((a == 0 || b == 0 || a == b) && overlap(endpoint, other))
            return true;
    }
    return false;
}

/* Chooses a port, one after the other, from one that is drawn. 0: all are in use. */
static uint16_t choose_port(const struct world *world, struct host *host, const struct endpoint *endpoint)
{
    enum { N = PORT_EPHEMERAL_LAST - PORT_EPHEMERAL_FIRST + 1 };
    uint64_t first = draw_below(world_draw(world, draw_stream("tcp port"), host->key, 0), N);
    for (uint32_t i = 0; i < N; i++) {
        uint16_t number = (uint16_t)(PORT_EPHEMERAL_FIRST + (first + host->n_ephemeral_tcp++) % N);
        if (!is_in_use(host, endpoint, number))
            return number;
    }
    return 0;
}

static int take_port(struct world *world, struct endpoint *endpoint, uint16_t number)
{
    struct host_port *port = host_port_get(world, endpoint->host, number);
    if (port == NULL)
        return -ENOMEM;
    trale_address_set_port(&endpoint->local, number);
    list_append(&port->endpoints, &endpoint->port_link);
    return 0;
}

int place_bind(struct world *world, struct endpoint *endpoint, const struct trale_address *local)
{
    uint16_t number = trale_address_port(local);
    endpoint->local = *local;
    if (number == 0)
        number = choose_port(world, endpoint->host, endpoint);
    else if (is_in_use(endpoint->host, endpoint, number))
        number = 0;
    return number == 0 ? -EADDRINUSE : take_port(world, endpoint, number);
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

static struct trale_address loopback(sa_family_t family)
{
    if (family == AF_INET)
        return (struct trale_address){.v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    return (struct trale_address){.v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback}};
}

/* The source of a connection to that address (as route.c finds that of a datagram). */
static int choose_source(const struct host *host, const struct trale_address *peer, struct trale_address *source)
{
    sa_family_t family = peer->any.sa_family;
    if (trale_address_is_multicast(peer) || host_broadcasts(host, peer))
        return -ENETUNREACH;
    if (family == AF_INET6 && trale_address_is_link_local(peer) && peer->v6.sin6_scope_id == 0)
        return -EINVAL;
    if (trale_address_is_loopback(peer))
        *source = loopback(family);
    else
        *source = family == AF_INET ? host->v4 : host->v6;
    return source->any.sa_family == family ? 0 : -ENETUNREACH;
}

int place_connect(struct world *world, struct endpoint *endpoint, const struct trale_address *peer)
{
    struct trale_address to = *peer, from;
    if (trale_address_is_unspecified(&to)) {
        to = loopback(to.any.sa_family);
        trale_address_set_port(&to, trale_address_port(peer));
    }
    int r = choose_source(endpoint->host, &to, &from);
    if (r < 0)
        return r;
    bool is_bound = list_has(&endpoint->port_link);
    if (is_bound && !trale_address_is_unspecified(&endpoint->local))
        from = endpoint->local;
    bool is_on_loopback = trale_address_is_loopback(&from);
    endpoint->is_local = host_has(endpoint->host, &to);
    if (is_on_loopback && !endpoint->is_local)
        return -EINVAL;
    trale_address_set_port(&from, is_bound ? trale_address_port(&endpoint->local) : 0);
    endpoint->local = from;
    if (is_bound && place_find(endpoint->host, &from, &to) != NULL)
        return -EADDRNOTAVAIL;
    endpoint->peer = to;
    if (is_bound)
        return 0;
    uint16_t number = choose_port(world, endpoint->host, endpoint);
    return number == 0 ? -EADDRNOTAVAIL : take_port(world, endpoint, number);
}

/* --- listeners ---------------------------------------------------------------------------------------------------- */

/* How well a listener fits; -1: not at all. */
static int score(const struct endpoint *endpoint, const struct trale_address *to, uint32_t interface_index)
{
    bool is_any = trale_address_is_unspecified(&endpoint->local);
    bool is_dual = is_any && endpoint->local.any.sa_family == AF_INET6 && !endpoint->v6_only;
    if (endpoint->state != ENDPOINT_LISTENS)
        return -1;
    if (endpoint->options.interface_index != 0 && endpoint->options.interface_index != interface_index)
        return -1;
    if (endpoint->local.any.sa_family != to->any.sa_family && !is_dual)
        return -1;
    if (!is_any && !host_is_same(&endpoint->local, to))
        return -1;
    return (is_any ? 0 : 4) + (endpoint->local.any.sa_family == to->any.sa_family ? 2 : 0) +
           (endpoint->options.interface_index != 0 ? 1 : 0);
}

struct endpoint *place_listener(const struct world *world, const struct host *host, const struct trale_address *from,
                                const struct trale_address *to, uint32_t interface_index)
{
    const struct host_port *port = host_port_find(host, trale_address_port(to));
    struct endpoint *found[PLACE_SHARERS];
    uint32_t n = 0;
    int best = 0;
    if (port == NULL)
        return NULL;
    for (const struct trale_link *link = port->endpoints.next; link != &port->endpoints; link = link->next) {
        struct endpoint *endpoint = list_entry(link, struct endpoint, port_link);
        int fits = score(endpoint, to, interface_index);
        if (fits > best)
            n = 0;
        if (fits >= best && n < PLACE_SHARERS) {
            found[n++] = endpoint;
            best = fits;
        }
    }
    if (n < 2)
        return n > 0 ? found[0] : NULL;
    /* Those that share the port by REUSE_PORT get connections by their addresses. */
    uint64_t key = draw_fold(draw_fold(host_key(from), trale_address_port(from)), host_key(to));
    return found[draw_below(world_draw(world, draw_stream("tcp reuse port"), key, trale_address_port(to)), n)];
}
