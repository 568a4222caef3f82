/* SPDX-License-Identifier: MIT */
#include "tcp.h"

#include <errno.h>

#include "arrival.h"
#include "input.h"
#include "list.h"
#include "named.h"
#include "place.h"
#include "probe.h"

#define BACKLOG 4096u /* net.core.somaxconn */

/* --- beginning ---------------------------------------------------------------------------------------------------- */

/* The host that an endpoint with that address is on; NULL: no memory. */
static struct host *host_of(struct world *world, struct host *here, const struct trale_address *local)
{
    bool is_anywhere = trale_address_is_unspecified(local) || trale_address_is_loopback(local);
    return is_anywhere ? here : host_get(world, local);
}

static int check_local(const struct host *here, const struct trale_address *local)
{
    if (trale_address_is_multicast(local) || host_broadcasts(here, local))
        return -EADDRNOTAVAIL;
    if (local->any.sa_family == AF_INET6 && trale_address_is_link_local(local) && local->v6.sin6_scope_id == 0)
        return -EINVAL;
    return 0;
}

/* An endpoint that is bound. */
static int open_at(struct world *world, struct host *here, const struct trale_address *shown,
                   const struct tcp_flags *flags, bool reuse_address, struct endpoint **endpoint)
{
    const struct trale_address local = trale_address_unmap(shown);
    int r = check_local(here, &local);
    if (r < 0)
        return r;
    if (flags->v6_only && local.any.sa_family != shown->any.sa_family)
        return -EINVAL;
    struct host *host = host_of(world, here, &local);
    struct endpoint *opened = host != NULL ? endpoint_new(world, host, shown->any.sa_family) : NULL;
    if (opened == NULL)
        return -ENOMEM;
    opened->reuse_port = flags->reuse_port;
    opened->reuse_address = reuse_address;
    opened->v6_only = flags->v6_only;
    opened->state = ENDPOINT_BROKEN; /* until the caller says what it is */
    r = place_bind(world, opened, &local);
    if (r < 0)
        endpoint_free(world, opened);
    else
        *endpoint = opened;
    return r;
}

int tcp_listen(struct world *world, struct host *here, const struct trale_address *local, const struct tcp_flags *flags,
               struct endpoint **listener)
{
    int r = open_at(world, here, local, flags, true, listener);
    if (r < 0)
        return r;
    (*listener)->state = ENDPOINT_LISTENS;
    (*listener)->backlog = BACKLOG;
    return 0;
}

int tcp_connect(struct world *world, struct host *here, const struct trale_address *to,
                const struct trale_address *from, struct endpoint **endpoint)
{
    const struct trale_address peer = trale_address_unmap(to);
    const struct tcp_flags flags = {.v6_only = false};
    struct endpoint *opened = NULL;
    int r = 0;
    if (from->any.sa_family != AF_UNSPEC && trale_address_unmap(from).any.sa_family != peer.any.sa_family &&
        !trale_address_is_unspecified(from))
        return -EAFNOSUPPORT;
    if (from->any.sa_family != AF_UNSPEC)
        r = open_at(world, here, from, &flags, false, &opened);
    else
        opened = endpoint_new(world, here, to->any.sa_family);
    if (r < 0 || opened == NULL)
        return r < 0 ? r : -ENOMEM;
    opened->state = ENDPOINT_CONNECTS;
    opened->connection = NULL;
    r = place_connect(world, opened, &peer);
    struct connection *connection = r == 0 ? connection_new(world) : NULL;
    if (connection == NULL) {
        endpoint_free(world, opened);
        return r < 0 ? r : -ENOMEM;
    }
    connection_join(connection, opened, 0);
    input_open(opened);
    *endpoint = opened;
    output_run(world, opened);
    arrival_settle(world);
    return 0;
}

int tcp_connected(const struct endpoint *endpoint)
{
    if (endpoint->state == ENDPOINT_CONNECTS)
        return -EAGAIN;
    return endpoint->state == ENDPOINT_BROKEN ? endpoint->error < 0 ? endpoint->error : -EAGAIN : 0;
}

struct endpoint *tcp_accept(struct world *world, struct endpoint *listener)
{
    if (list_is_empty(&listener->queue))
        return NULL;
    struct endpoint *endpoint = list_entry(listener->queue.next, struct endpoint, listener_link);
    list_remove(&endpoint->listener_link);
    endpoint->listener = NULL;
    listener->n_queued--;
    if (listener->family == AF_UNIX)
        named_go_on(world, listener);
    return endpoint;
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

bool tcp_is_readable(const struct endpoint *endpoint)
{
    const struct endpoint_input *input = &endpoint->input;
    return input->queue.size > 0 || input->has_ended || input->is_shut || endpoint->error < 0;
}

int64_t tcp_read(struct world *world, struct endpoint *endpoint, void *buf, uint64_t size)
{
    const struct endpoint_input *input = &endpoint->input;
    if (input->queue.size > 0) {
        int64_t n = (int64_t)input_take(world, endpoint, buf, size);
        arrival_settle(world);
        return n;
    }
    if (input->has_ended)
        return 0;
    if (endpoint->error < 0)
        return endpoint->error;
    return input->is_shut ? 0 : -EAGAIN;
}

/* How many bytes the send buffer takes. */
static uint64_t room_of(const struct endpoint *endpoint)
{
    const struct endpoint_output *output = &endpoint->output;
    uint64_t capacity = endpoint->options.send_buffer / 2, n_unsent = output->written - output->next;
    if (endpoint->options.not_sent > 0 && output->next < output->written && n_unsent >= endpoint->options.not_sent)
        return 0;
    return output->queue.size < capacity ? capacity - output->queue.size : 0;
}

/* Whether the peer of a Unix socket reads no more, which is seen at once. */
static bool is_unheard(const struct endpoint *endpoint)
{
    const struct endpoint *peer = endpoint_peer(endpoint);
    return endpoint->family == AF_UNIX && endpoint->state == ENDPOINT_OPEN &&
           (peer == NULL || peer->has_closed || peer->input.is_shut);
}

int64_t tcp_write(struct world *world, struct endpoint *endpoint, const void *buf, uint64_t size)
{
    if (endpoint->error < 0)
        return endpoint->error;
    if (endpoint->output.ends || is_unheard(endpoint))
        return -EPIPE;
    uint64_t room = endpoint->state == ENDPOINT_OPEN ? room_of(endpoint) : 0, n = size < room ? size : room;
    if (room == 0)
        return -EAGAIN;
    if (bytes_append(&endpoint->output.queue, &world->memory, buf, n) < 0)
        return -ENOBUFS;
    endpoint->output.written += n;
    output_run(world, endpoint);
    arrival_settle(world);
    return (int64_t)n;
}

/* --- endings ------------------------------------------------------------------------------------------------------ */

/* The peer of a Unix socket may wait to write. */
static void wake_unheard(const struct endpoint *endpoint)
{
    struct endpoint *peer = endpoint_peer(endpoint);
    if (endpoint->family == AF_UNIX && peer != NULL)
        endpoint_wake(peer, ENDPOINT_WRITABLE);
}

int tcp_shutdown(struct world *world, struct endpoint *endpoint, bool reads, bool writes)
{
    if (endpoint->state != ENDPOINT_OPEN)
        return -ENOTCONN;
    if (reads) {
        endpoint->input.is_shut = true;
        endpoint_wake(endpoint, ENDPOINT_READABLE);
        wake_unheard(endpoint);
    }
    if (writes)
        ending_shut(world, endpoint);
    arrival_settle(world);
    return 0;
}

void tcp_configure(struct world *world, struct endpoint *endpoint)
{
    if (endpoint->state != ENDPOINT_OPEN)
        return;
    if (endpoint->timer_kind == TIMER_NONE || endpoint->timer_kind == TIMER_KEEP_ALIVE)
        probe_rest(world, endpoint);
    output_run(world, endpoint);
    arrival_settle(world);
}

static void close_listener(struct world *world, struct endpoint *listener)
{
    while (!list_is_empty(&listener->queue))
        ending_reset(world, list_entry(listener->queue.next, struct endpoint, listener_link));
    while (!list_is_empty(&listener->answering)) {
        struct endpoint *endpoint = list_entry(listener->answering.next, struct endpoint, listener_link);
        if (listener->family == AF_UNIX)
            ending_break(world, endpoint, -ECONNREFUSED);
        else
            ending_forget(world, endpoint);
    }
    endpoint_free(world, listener);
}

void tcp_close(struct world *world, struct endpoint *endpoint)
{
    endpoint->program = NULL;
    endpoint->has_closed = true;
    list_remove(&endpoint->ready_link);
    wake_unheard(endpoint);
    if (endpoint->state == ENDPOINT_LISTENS) {
        close_listener(world, endpoint);
    } else if (endpoint->state != ENDPOINT_OPEN) {
        ending_forget(world, endpoint);
    } else if (endpoint->input.queue.size > 0 || endpoint->options.resets) {
        ending_reset(world, endpoint);
    } else {
        ending_shut(world, endpoint);
        ending_look(world, endpoint);
    }
    arrival_settle(world);
}

/* --- what befalls endpoints --------------------------------------------------------------------------------------- */

static void crash(struct world *world, struct endpoint *endpoint)
{
    if (endpoint->program == NULL) {
        ending_forget(world, endpoint);
        return;
    }
    endpoint->n_queued = 0;
    endpoint->input.has_ended = endpoint->input.is_shut = false;
    bytes_free(&endpoint->input.queue, &world->memory);
    ending_break(world, endpoint, 0);
}

void tcp_crash(struct world *world, struct host *host)
{
    for (struct trale_link *link = host->endpoints.next, *next; link != &host->endpoints; link = next) {
        next = link->next;
        crash(world, list_entry(link, struct endpoint, host_link));
    }
}

/* An endpoint that the program has; NULL: none. */
static struct endpoint *find_of(const struct world *world, const struct world_program *program)
{
    for (const struct host *host = world->first_host; host != NULL; host = host->following)
        for (const struct trale_link *link = host->endpoints.next; link != &host->endpoints; link = link->next) {
            struct endpoint *endpoint = list_entry(link, struct endpoint, host_link);
            if (endpoint->program == program)
                return endpoint;
        }
    return NULL;
}

void tcp_leave(struct world *world, struct world_program *program)
{
    struct endpoint *endpoint;
    while ((endpoint = find_of(world, program)) != NULL)
        tcp_close(world, endpoint);
}

static bool is_between(const struct endpoint *endpoint, const struct scenario_side *from,
                       const struct scenario_side *to)
{
    const struct trale_address *here = &endpoint->host->identity, there = host_identity(&endpoint->peer);
    return endpoint->state == ENDPOINT_OPEN && !endpoint->is_local &&
           ((scenario_has(from, here) && scenario_has(to, &there)) ||
            (scenario_has(from, &there) && scenario_has(to, here)));
}

void tcp_reset(struct world *world, const struct scenario_side *from, const struct scenario_side *to)
{
    for (struct host *host = world->first_host; host != NULL; host = host->following)
        for (struct trale_link *link = host->endpoints.next, *next; link != &host->endpoints; link = next) {
            struct endpoint *endpoint = list_entry(link, struct endpoint, host_link);
            next = link->next;
            if (is_between(endpoint, from, to))
                ending_refused(world, endpoint);
        }
}
