/* SPDX-License-Identifier: MIT
 *
 * What happens when an event's time has come. */
#include "arrival.h"
#include "course.h"
#include "deliver.h"

/* A datagram is through its interface, and begins its way, or its end. */
static void datagram_leaves(struct world *world, struct datagram *datagram)
{
    datagram_depart(world, datagram);
    datagram->event.kind = EVENT_ARRIVAL;
    if (datagram->is_lost)
        datagram_lose(world, datagram, (enum trale_sim_loss)datagram->reason);
    else if (world_add(world, &datagram->event, datagram->arrives_ns) < 0)
        datagram_lose(world, datagram, TRALE_SIM_LOST_QUEUE);
}

bool world_step(struct world *world)
{
    struct event *event = event_first(&world->events);
    if (world_next_ns(world) == UINT64_MAX)
        return false;
    world_remove(world, event);
    if (event->at_ns > world->now_ns)
        world->now_ns = event->at_ns;
    switch ((enum event_kind)event->kind) {
    case EVENT_ALARM:
        ((struct world_program *)(void *)event)->has_rung = true;
        break;
    case EVENT_DEPARTURE:
        datagram_leaves(world, (struct datagram *)(void *)event);
        break;
    case EVENT_ARRIVAL:
        deliver_arrival(world, (struct datagram *)(void *)event);
        break;
    case EVENT_REPORT:
        deliver_message(world, (struct icmp_message *)(void *)event);
        break;
    case EVENT_SEGMENT:
        arrival_segment(world, (struct segment *)(void *)event);
        break;
    case EVENT_ENDPOINT:
        arrival_timer(world, (struct endpoint *)(void *)event);
        break;
    case EVENT_FAULT:
        course_happen(world, (struct plan_fault *)(void *)event);
        break;
    }
    return true;
}
