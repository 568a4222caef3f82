/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <errno.h>

#include "link.h"
#include "resend.h"
#include "segment.h"

#define SECOND_NS UINT64_C(1000000000)

/* Where no more are lost than that, one of several probes is answered. */
#define FEW_LOSSES (DRAW_ALWAYS / 5)

static bool is_free(struct world *world, const struct host *from, const struct host *to)
{
    const struct link *link = link_get(world, &from->identity, &to->identity);
    return link != NULL && !link->rules.cut && !link->rules.drops &&
           link->rules.loss + link->rules.corrupt <= FEW_LOSSES;
}

bool probe_is_futile(struct world *world, const struct endpoint *endpoint)
{
    const struct endpoint *peer = endpoint_peer(endpoint);
    if (peer == NULL || peer->input.window_end != endpoint->output.window_end)
        return false;
    return endpoint->is_local ||
           (endpoint->host->n_down == 0 && peer->host->n_down == 0 && is_free(world, endpoint->host, peer->host) &&
            is_free(world, peer->host, endpoint->host));
}

void probe_wait(struct world *world, struct endpoint *endpoint, enum endpoint_timer kind, uint64_t at_ns)
{
    endpoint_set_timer(world, endpoint, kind, at_ns);
    if (endpoint->timer_kind == TIMER_NONE || !probe_is_futile(world, endpoint))
        return;
    if (world->futile_changes != world_changes(world)) {
        world->futile_changes = world_changes(world);
        world->n_futile = 0;
    }
    world->n_futile++;
    endpoint->futile_changes = world->futile_changes;
}

/* --- idle connections --------------------------------------------------------------------------------------------- */

void probe_rest(struct world *world, struct endpoint *endpoint)
{
    const struct endpoint_options *options = &endpoint->options;
    uint64_t idle_at_ns = endpoint->heard_ns + options->keep_idle_s * SECOND_NS;
    if (idle_at_ns <= world->now_ns)
        idle_at_ns = world->now_ns + options->keep_idle_s * SECOND_NS;
    if (options->keep_alive && endpoint->state == ENDPOINT_OPEN)
        probe_wait(world, endpoint, TIMER_KEEP_ALIVE, idle_at_ns);
    else
        endpoint_stop_timer(world, endpoint);
}

int probe_keep_alive(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    const struct endpoint_options *options = &endpoint->options;
    bool is_idle = world->now_ns - endpoint->heard_ns >= options->keep_idle_s * SECOND_NS;
    if (!options->keep_alive || !is_idle || probe_is_futile(world, endpoint)) {
        output->n_tries = 0;
        probe_rest(world, endpoint);
        return 0;
    }
    bool is_over = output->n_tries >= options->keep_count;
    if (options->user_timeout_ms > 0 && output->n_tries > 0)
        is_over = world->now_ns - endpoint->heard_ns >= resend_limit_ns(endpoint);
    if (is_over)
        return -ETIMEDOUT;
    output->n_tries++;
    segment_send(world, endpoint, SEGMENT_ACK | SEGMENT_PROBE, output->first - 1, 0);
    probe_wait(world, endpoint, TIMER_KEEP_ALIVE, world->now_ns + options->keep_interval_s * SECOND_NS);
    return 0;
}
