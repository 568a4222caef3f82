/* SPDX-License-Identifier: MIT
 *
 * What happens when an event's time has come. */
#include "world.h"

bool world_step(struct world *world)
{
    struct event *event = event_first(&world->events);
    if (event == NULL)
        return false;
    world_remove(world, event);
    world->now_ns = event->at_ns;
    switch ((enum event_kind)event->kind) {
    case EVENT_ALARM:
        ((struct world_program *)(void *)event)->has_rung = true;
        break;
    case EVENT_FAULT:
    case EVENT_ARRIVAL:
    case EVENT_ROOM:
        break;
    }
    return true;
}
