/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include "list.h"
#include "place.h"

static void log_opened(const struct world *world, const struct endpoint *endpoint)
{
    world->report->n_opened++;
    log_event(world->log, LOG_OPENED, log_number("socket", (int64_t)endpoint->number),
              log_number("connection", (int64_t)endpoint->connection->number), log_address("local", &endpoint->local),
              log_address("peer", &endpoint->peer));
}

/* As many may wait as the backlog says, and one more. */
static bool is_full(const struct endpoint *listener)
{
    return listener->n_queued > listener->backlog;
}

static struct endpoint *answer(struct world *world, struct endpoint *listener, const struct segment *segment)
{
    struct endpoint *endpoint = endpoint_new(world, listener->host, listener->family);
    if (endpoint == NULL)
        return NULL;
    endpoint->state = ENDPOINT_ANSWERS;
    endpoint->v6_only = listener->v6_only;
    endpoint->reuse_port = listener->reuse_port;
    endpoint->reuse_address = listener->reuse_address;
    endpoint->options = listener->options;
    endpoint->is_local = segment->is_local;
    endpoint->local = segment->to;
    endpoint->peer = segment->from;
    endpoint->listener = listener;
    endpoint->input.next = 1;
    endpoint->output.window_end = segment->window_end;
    input_open(endpoint);
    list_append(&listener->answering, &endpoint->listener_link);
    struct host_port *port = host_port_get(world, listener->host, trale_address_port(&segment->to));
    if (port != NULL)
        list_append(&port->endpoints, &endpoint->port_link);
    connection_join(segment->connection, endpoint, 1);
    return endpoint;
}

/* There may be a connection between these addresses that its opener has forgotten (RFC 9293, 3.5.1). Returns whether
 * the SYN goes no further. */
static bool meets_old(struct world *world, const struct host *host, const struct segment *segment)
{
    struct endpoint *old = place_find(host, &segment->to, &segment->from);
    if (old == NULL)
        return false;
    if (old->state == ENDPOINT_LINGERS) {
        ending_forget(world, old); /* it makes room (RFC 6191) */
        return false;
    }
    output_acknowledge(world, old);
    return true;
}

void handshake_syn(struct world *world, struct host *host, struct segment *segment)
{
    struct endpoint *listener = NULL;
    if (meets_old(world, host, segment)) {
        segment_free(world, segment);
        return;
    }
    if (segment->connection->ends[0] != NULL) /* else its opener is gone: it will be refused in any case */
        listener = place_listener(world, host, &segment->from, &segment->to,
                                  segment->is_local ? HOST_LOOPBACK : HOST_NETWORK);
    if (listener == NULL) {
        segment_refuse(world, segment);
        segment_free(world, segment);
        return;
    }
    if (is_full(listener)) {
        segment_lose(world, segment, TRALE_SIM_LOST_BUFFER);
        return;
    }
    struct endpoint *endpoint = answer(world, listener, segment);
    segment_free(world, segment);
    if (endpoint != NULL)
        output_run(world, endpoint);
}

/* The answer has come, or a refusal. */
static void take_answer(struct world *world, struct endpoint *endpoint, struct segment *segment)
{
    if ((segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) != (SEGMENT_SYN | SEGMENT_ACK)) {
        segment_free(world, segment);
        return;
    }
    endpoint->state = ENDPOINT_OPEN;
    endpoint->heard_ns = world->now_ns;
    endpoint->input.next = 1;
    input_open(endpoint);
    log_opened(world, endpoint);
    output_acknowledge(world, endpoint);
    output_acknowledged(world, endpoint, segment->acknowledged, segment->window_end, false);
    segment_free(world, segment);
    endpoint_wake(endpoint, ENDPOINT_WRITABLE);
}

/* The answer was acknowledged: the connection waits for an accept. */
static void take_acknowledgement(struct world *world, struct endpoint *endpoint, struct segment *segment)
{
    struct endpoint *listener = endpoint->listener;
    if ((segment->flags & SEGMENT_SYN) != 0) {
        segment_send(world, endpoint, SEGMENT_SYN | SEGMENT_ACK, 0, 0);
        segment_free(world, segment);
        return;
    }
    if (is_full(listener)) {
        segment_lose(world, segment, TRALE_SIM_LOST_BUFFER);
        return;
    }
    endpoint->state = ENDPOINT_OPEN;
    log_opened(world, endpoint);
    list_remove(&endpoint->listener_link);
    list_append(&listener->queue, &endpoint->listener_link);
    listener->n_queued++;
    endpoint_wake(listener, ENDPOINT_READABLE);
    input_segment(world, endpoint, segment);
}

void handshake_segment(struct world *world, struct endpoint *endpoint, struct segment *segment)
{
    if ((segment->flags & SEGMENT_RST) != 0) {
        segment_free(world, segment);
        ending_refused(world, endpoint);
    } else if (endpoint->state == ENDPOINT_CONNECTS) {
        take_answer(world, endpoint, segment);
    } else {
        take_acknowledgement(world, endpoint, segment);
    }
}
