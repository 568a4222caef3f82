/* SPDX-License-Identifier: MIT */
#include "send.h"

#include <errno.h>

#include "deliver.h"
#include "group.h"
#include "link.h"

/* The values of IP_MTU_DISCOVER (ip(7)), which TRALE_UDP_MTU_DISCOVERY has too. */
enum mtu_discovery {
    MTU_FRAGMENT,
    MTU_FOLLOW,
    MTU_DONT_FRAGMENT,
    MTU_PROBE,
    MTU_INTERFACE,
    MTU_INTERFACE_FRAGMENT,
};

#define UDP_HEADER 8u
#define IP_TOTAL_MAX 65535u

/* A datagram that is about to be sent. */
struct outgoing {
    struct world *world;
    struct socket *socket;
    const struct send *send;
    struct route route;
    struct link *link; /* of ROUTE_HOST */
    uint32_t header;   /* of IP */
    uint64_t train;
};

/* --- sizes -------------------------------------------------------------------------------------------------------- */

static uint32_t interface_mtu(const struct world *world, const struct route *route)
{
    uint32_t mtu = world->faults.defaults.mtu;
    if (route->interface_index == HOST_LOOPBACK || route->kind == ROUTE_LOCAL)
        mtu = HOST_LOOPBACK_MTU;
    return mtu > IP_TOTAL_MAX && route->to.any.sa_family == AF_INET ? IP_TOTAL_MAX : mtu;
}

static struct link *route_link(struct world *world, const struct socket *socket, const struct route *route)
{
    struct trale_address to = host_identity(&route->to);
    return link_get(world, &socket->host->identity, &to);
}

static uint32_t path_mtu(const struct world *world, const struct route *route, const struct link *link)
{
    uint32_t mtu = interface_mtu(world, route);
    uint32_t reported = link != NULL ? link_path_mtu(world, link) : mtu;
    return reported < mtu ? reported : mtu;
}

uint32_t send_path_mtu(struct world *world, const struct socket *socket, const struct route *route)
{
    return path_mtu(world, route, route->kind == ROUTE_HOST ? route_link(world, socket, route) : NULL);
}

/* The MTU that fragments, or refusals, are made for. */
static uint32_t mtu_used(const struct outgoing *out)
{
    uint8_t discovery = out->socket->options.mtu_discovery;
    if (discovery == MTU_PROBE || discovery == MTU_INTERFACE || discovery == MTU_INTERFACE_FRAGMENT)
        return interface_mtu(out->world, &out->route);
    return path_mtu(out->world, &out->route, out->link);
}

/* What is too large for UDP, or for the way and must not be fragmented, is refused, and noted as an error. */
static int check_size(const struct outgoing *out, uint64_t size)
{
    uint8_t discovery = out->socket->options.mtu_discovery;
    bool v4 = out->route.to.any.sa_family == AF_INET;
    uint32_t mtu = mtu_used(out);
    if (size <= IP_TOTAL_MAX - UDP_HEADER - (v4 ? out->header : 0) &&
        (size + UDP_HEADER + out->header <= mtu ||
         !(discovery == MTU_DONT_FRAGMENT || discovery == MTU_PROBE || discovery == MTU_INTERFACE)))
        return 0;
    if (out->socket->errors != NULL && (!v4 || size <= IP_TOTAL_MAX)) {
        struct icmp_report report = {
            .sender = out->route.from, .to = out->route.to, .error = -EMSGSIZE, .origin = ICMP_LOCAL, .mtu = mtu};
        icmp_keep(out->socket->errors, &report);
        socket_wake(out->socket, SOCKET_FAILING);
    }
    return -EMSGSIZE;
}

/* --- on the way --------------------------------------------------------------------------------------------------- */

static struct datagram *outgoing_datagram(const struct outgoing *out, const void *bytes, uint32_t size)
{
    struct world *world = out->world;
    const struct socket_options *options = &out->socket->options;
    const struct send *send = out->send;
    struct datagram *datagram = datagram_new(world, bytes, size);
    if (datagram == NULL)
        return NULL;
    bool to_group = out->route.kind == ROUTE_GROUP;
    datagram->number = ++world->n_datagrams;
    datagram->from = out->route.from;
    datagram->to = out->route.to;
    datagram->train = out->train;
    datagram->interface_index = out->route.interface_index;
    datagram->is_local = out->route.kind == ROUTE_LOCAL;
    datagram->ttl = (uint8_t)(send->ttl >= 0 ? send->ttl : to_group ? options->multicast_ttl : options->ttl);
    datagram->traffic_class = (uint8_t)(send->traffic_class >= 0 ? send->traffic_class : options->traffic_class);
    out->socket->n_sent++;
    world->report->n_sent++;
    if (world->log != NULL && world->log->captures)
        log_event(world->log, LOG_SENT, log_number("datagram", (int64_t)datagram->number),
                  log_address("from", &datagram->from), log_address("to", &datagram->to), log_number("size", size),
                  log_hash(datagram->bytes, size), log_payload(datagram->bytes, size));
    else
        log_event(world->log, LOG_SENT, log_number("datagram", (int64_t)datagram->number),
                  log_address("from", &datagram->from), log_address("to", &datagram->to), log_number("size", size),
                  log_hash(datagram->bytes, size));
    return datagram;
}

static void datagram_travel(struct world *world, struct datagram *datagram, enum event_kind kind, uint64_t at_ns)
{
    datagram->event.kind = kind;
    if (world_add(world, &datagram->event, at_ns) < 0)
        datagram_lose(world, datagram, TRALE_SIM_LOST_QUEUE);
}

static void send_copy(struct world *world, const struct datagram *datagram, uint64_t at_ns)
{
    struct datagram *copy = datagram_new(world, datagram->bytes, datagram->size);
    if (copy == NULL)
        return;
    memcpy(copy, datagram, sizeof *copy + copy->size);
    copy->sender = NULL;
    copy->event = (struct event){.kind = EVENT_ARRIVAL};
    datagram_travel(world, copy, EVENT_ARRIVAL, at_ns);
}

/* Whether routers must not fragment it; then one larger than a link is lost, and reported. */
static bool dont_fragment(const struct outgoing *out, uint32_t packet)
{
    switch (out->socket->options.mtu_discovery) {
    case MTU_DONT_FRAGMENT:
    case MTU_PROBE:
        return true;
    case MTU_FOLLOW:
        return packet <= mtu_used(out);
    default:
        return false;
    }
}

/* Puts a datagram, whose fate is decided, on its way. Takes it over. */
static void send_off(const struct outgoing *out, const struct link_fate *fate, struct datagram *datagram)
{
    struct world *world = out->world;
    if (fate->flipped_bit > 0)
        datagram->bytes[(fate->flipped_bit - 1) / 8] ^= (unsigned char)(1u << (fate->flipped_bit - 1) % 8);
    if (!fate->is_lost && fate->copy_ns > 0)
        send_copy(world, datagram, fate->copy_ns);
    if (fate->departs_ns > world->now_ns) {
        datagram->sender = out->socket;
        out->socket->n_sending_bytes += datagram->truesize;
        datagram->is_lost = fate->is_lost;
        datagram->reason = (uint8_t)fate->reason;
        datagram->arrives_ns = fate->arrives_ns;
        datagram_travel(world, datagram, EVENT_DEPARTURE, fate->departs_ns);
    } else if (fate->is_lost) {
        datagram_lose(world, datagram, fate->reason);
    } else {
        datagram_travel(world, datagram, EVENT_ARRIVAL, fate->arrives_ns);
    }
}

/* Over a link. Takes the datagram over. 0, or -ENOBUFS: the queue of the interface was full. */
static int send_over(const struct outgoing *out, struct link *link, struct datagram *datagram)
{
    struct world *world = out->world;
    uint32_t packet = datagram->size + UDP_HEADER + out->header, mtu = mtu_used(out);
    uint32_t largest = packet < mtu ? packet : mtu, smallest = mtu < link->rules.mtu ? mtu : link->rules.mtu;
    uint32_t room = smallest > out->header + UDP_HEADER ? smallest - out->header : UDP_HEADER;
    uint32_t n_fragments = packet <= smallest ? 1 : (packet - out->header + room - 1) / room;
    struct link_fate fate = link_decide(world, link, packet, n_fragments, datagram->size * 8);
    bool v6 = datagram->to.any.sa_family == AF_INET6;
    int r = fate.is_lost && fate.reason == TRALE_SIM_LOST_QUEUE ? -ENOBUFS : 0;
    if (!fate.is_lost && largest > link->rules.mtu && (v6 || dont_fragment(out, packet))) {
        deliver_too_large(world, link, datagram);
        fate.is_lost = true;
        fate.reason = TRALE_SIM_LOST_MTU;
    }
    send_off(out, &fate, datagram);
    return r;
}

/* To one of the hosts that hear a group or a broadcast, on this host at once. */
static void send_to_one_of(const struct outgoing *out, struct host *host, const struct datagram *datagram)
{
    struct datagram *copy = datagram_new(out->world, datagram->bytes, datagram->size);
    if (copy == NULL)
        return;
    memcpy(copy, datagram, sizeof *copy);
    if (host == out->socket->host) {
        deliver_datagram(out->world, host, copy);
        return;
    }
    struct link *link = link_get(out->world, &out->socket->host->identity, &host->identity);
    copy->receiver = host;
    if (link != NULL)
        send_over(out, link, copy);
    else
        datagram_free(out->world, copy);
}

/* Whether a host takes what is sent to a group or a broadcast. */
static bool is_reached(const struct outgoing *out, const struct host *host, const struct datagram *datagram)
{
    uint32_t interface_index = out->route.interface_index;
    bool is_own = host == out->socket->host;
    if (!is_own && (interface_index == HOST_LOOPBACK || datagram->ttl == 0))
        return false;
    if (out->route.kind == ROUTE_BROADCAST)
        return host_broadcasts(host, &datagram->to) && (is_own || host->v4.any.sa_family == AF_INET);
    if (is_own && interface_index != HOST_LOOPBACK && !out->socket->options.multicast_loop)
        return false;
    return group_is_heard(host, &datagram->to, &datagram->from, interface_index);
}

static void send_to_all(const struct outgoing *out, struct datagram *datagram)
{
    uint32_t n_reached = 0;
    for (struct host *host = out->world->first_host; host != NULL; host = host->following) {
        if (!is_reached(out, host, datagram))
            continue;
        send_to_one_of(out, host, datagram);
        n_reached++;
    }
    if (n_reached > 0)
        datagram_free(out->world, datagram);
    else
        datagram_lose(out->world, datagram, TRALE_SIM_LOST_NO_HOST);
}

static int send_one(const struct outgoing *out, const void *bytes, uint32_t size)
{
    struct world *world = out->world;
    struct socket *socket = out->socket;
    struct datagram *datagram = outgoing_datagram(out, bytes, size);
    if (datagram == NULL)
        return -ENOBUFS;
    switch (out->route.kind) {
    case ROUTE_LOCAL:
        deliver_datagram(world, socket->host, datagram);
        return 0;
    case ROUTE_HOST:
        return send_over(out, out->link, datagram);
    case ROUTE_BROADCAST:
    case ROUTE_GROUP:
        send_to_all(out, datagram);
        return 0;
    case ROUTE_NOWHERE:
        datagram_lose(world, datagram, TRALE_SIM_LOST_NO_HOST);
        return 0;
    }
    return 0;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static int check(const struct outgoing *out)
{
    const struct send *send = out->send;
    uint64_t size = send->size;
    if (send->segment_size == 0 || size <= send->segment_size)
        return check_size(out, size);
    if (size > IP_TOTAL_MAX - UDP_HEADER - (out->route.to.any.sa_family == AF_INET ? out->header : 0))
        return size <= IP_TOTAL_MAX ? -EIO : -EMSGSIZE;
    if (send->segment_size + UDP_HEADER + out->header > mtu_used(out))
        return -EIO;
    return size > (uint64_t)send->segment_size * SEND_SEGMENTS_MAX ? -EINVAL : 0;
}

int64_t send_datagram(struct world *world, struct socket *socket, const struct send *send, bool ignores_error)
{
    struct outgoing out = {.world = world, .socket = socket, .send = send, .train = world->n_datagrams + 1};
    int r = route_find(socket, send->to, send->source, send->interface_index, &out.route);
    if (r < 0)
        return r;
    if (out.route.kind == ROUTE_HOST) {
        out.link = route_link(world, socket, &out.route);
        if (out.link == NULL)
            return -ENOBUFS;
    }
    out.header = out.route.to.any.sa_family == AF_INET ? 20 : 40;
    r = check(&out);
    if (r < 0)
        return r;
    if (socket->error < 0 && !ignores_error)
        return socket_take_error(socket);
    if (socket->n_sending_bytes >= socket->options.send_buffer)
        return -EAGAIN;
    uint64_t at = 0, piece = send->segment_size > 0 ? send->segment_size : send->size;
    do {
        uint64_t size = send->size - at < piece ? send->size - at : piece;
        r = send_one(&out, send->bytes != NULL ? (const char *)send->bytes + at : NULL, (uint32_t)size);
        at += size;
    } while (at < send->size);
    bool is_single = send->segment_size == 0;
    return r < 0 && is_single && socket->errors != NULL ? r : (int64_t)send->size;
}
