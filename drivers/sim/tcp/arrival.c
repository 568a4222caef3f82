/* SPDX-License-Identifier: MIT */
#include "arrival.h"

#include "handshake.h"
#include "list.h"
#include "probe.h"

/* A segment has reached its host. */
static void deliver(struct world *world, struct host *host, struct segment *segment)
{
    struct endpoint *endpoint = segment->connection->ends[!segment->side];
    log_event(world->log, LOG_SEGMENT_ARRIVED, log_number("segment", (int64_t)segment->number));
    if (endpoint != NULL && endpoint->state <= ENDPOINT_ANSWERS) {
        handshake_segment(world, endpoint, segment);
    } else if (endpoint != NULL) {
        input_segment(world, endpoint, segment);
    } else if ((segment->flags & (SEGMENT_SYN | SEGMENT_ACK)) == SEGMENT_SYN) {
        handshake_syn(world, host, segment);
    } else {
        if ((segment->flags & SEGMENT_RST) == 0)
            segment_refuse(world, segment);
        segment_free(world, segment);
    }
}

void arrival_settle(struct world *world)
{
    while (!list_is_empty(&world->local_segments)) {
        struct segment *segment = list_entry(world->local_segments.next, struct segment, link);
        list_remove(&segment->link);
        deliver(world, segment->host, segment);
    }
}

void arrival_segment(struct world *world, struct segment *segment)
{
    struct host *host = host_find(world, &segment->to);
    if (host == NULL)
        segment_lose(world, segment, TRALE_SIM_LOST_NO_HOST);
    else if (host->n_down > 0)
        segment_lose(world, segment, TRALE_SIM_LOST_CRASH);
    else
        deliver(world, host, segment);
    arrival_settle(world);
}

void arrival_timer(struct world *world, struct endpoint *endpoint)
{
    enum endpoint_timer kind = endpoint->timer_kind;
    int r = 0;
    endpoint_stop_timer(world, endpoint);
    switch (kind) {
    case TIMER_NONE:
        break;
    case TIMER_RESEND:
    case TIMER_PROBE:
        r = output_again(world, endpoint);
        break;
    case TIMER_CORK:
        output_uncork(world, endpoint);
        break;
    case TIMER_KEEP_ALIVE:
        r = probe_keep_alive(world, endpoint);
        break;
    case TIMER_END:
        ending_forget(world, endpoint);
        break;
    }
    if (r < 0)
        ending_break(world, endpoint, r);
    arrival_settle(world);
}
