/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include "link.h"

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
