/* SPDX-License-Identifier: MIT */
#include "ending.h"

#include <errno.h>

#include "list.h"

/* TCP_TIMEWAIT_LEN, and net.ipv4.tcp_fin_timeout. */
#define LINGERS_FOR_NS UINT64_C(60000000000)

static void free_early(struct world *world, struct endpoint *endpoint)
{
    while (!list_is_empty(&endpoint->input.early))
        segment_free(world, list_entry(endpoint->input.early.next, struct segment, link));
}

void ending_forget(struct world *world, struct endpoint *endpoint)
{
    free_early(world, endpoint);
    endpoint_free(world, endpoint);
}

void ending_break(struct world *world, struct endpoint *endpoint, int32_t error)
{
    /* A connect may be refused before the program has its endpoint. */
    bool is_kept = endpoint->program != NULL || endpoint->state == ENDPOINT_CONNECTS ||
                   (endpoint->listener != NULL && endpoint->state == ENDPOINT_OPEN);
    log_event(world->log, LOG_BROKEN, log_number("socket", (int64_t)endpoint->number), log_number("error", error));
    free_early(world, endpoint);
    endpoint_stop_timer(world, endpoint);
    endpoint_detach(world, endpoint);
    bytes_free(&endpoint->output.queue, &world->memory);
    list_remove(&endpoint->port_link);
    if (endpoint->state == ENDPOINT_CONNECTS)
        list_remove(&endpoint->listener_link);
    endpoint->state = ENDPOINT_BROKEN;
    endpoint->error = error;
    if (is_kept)
        endpoint_wake(endpoint, ENDPOINT_READABLE | ENDPOINT_WRITABLE);
    else
        endpoint_free(world, endpoint);
}

void ending_refused(struct world *world, struct endpoint *endpoint)
{
    world->report->n_resets++;
    if (endpoint->state == ENDPOINT_CONNECTS)
        ending_break(world, endpoint, -ECONNREFUSED);
    else
        ending_break(world, endpoint, endpoint->input.has_ended ? -EPIPE : -ECONNRESET);
}

void ending_reset(struct world *world, struct endpoint *endpoint)
{
    segment_send(world, endpoint, SEGMENT_RST | SEGMENT_ACK, endpoint->output.next, 0);
    ending_forget(world, endpoint);
}

void ending_shut(struct world *world, struct endpoint *endpoint)
{
    if (endpoint->output.ends)
        return;
    endpoint->output.ends = true;
    endpoint->ended_first = !endpoint->input.has_ended;
    endpoint_wake(endpoint, ENDPOINT_WRITABLE);
    output_run(world, endpoint);
}

void ending_look(struct world *world, struct endpoint *endpoint)
{
    if (!endpoint->has_closed || endpoint->state != ENDPOINT_OPEN || !output_has_ended(endpoint))
        return;
    if ((endpoint->input.has_ended && !endpoint->ended_first) || endpoint->family == AF_UNIX) {
        ending_forget(world, endpoint);
        return;
    }
    if (endpoint->input.has_ended)
        endpoint->state = ENDPOINT_LINGERS;
    if (endpoint->timer_kind != TIMER_END || endpoint->input.has_ended)
        endpoint_set_timer(world, endpoint, TIMER_END, world->now_ns + LINGERS_FOR_NS);
}
