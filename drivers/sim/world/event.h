/* SPDX-License-Identifier: MIT
 *
 * What will happen in a world, in the order of time. An event is the first member of what it is about, in the world's
 * memory. */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

/* What an event is. At one instant faults come first, and the others in the order in which they were added. */
enum event_kind {
    EVENT_FAULT,     /* a fault begins or ends */
    EVENT_ALARM,     /* a program wanted to be woken at this time */
    EVENT_DEPARTURE, /* a datagram has left its host */
    EVENT_ARRIVAL,   /* a datagram reaches a host */
    EVENT_REPORT,    /* the report of an error reaches a host */
    EVENT_SEGMENT,   /* a segment of TCP reaches a host */
    EVENT_ENDPOINT,  /* the timer of an endpoint of TCP */
};

/* Zeroed but for its kind, it is in no heap. */
struct event {
    uint64_t at_ns;
    uint32_t place; /* in the heap, from 1 on; 0: it is in none */
    uint32_t kind;  /* enum event_kind */
};

struct event_entry {
    uint64_t at_ns;
    uint64_t order; /* among those of the same time */
    struct event *event;
};

/* A heap in which each entry comes before its four children. Zeroed, it is empty. */
struct event_heap {
    struct event_entry *entries;
    uint32_t n, room;
    uint64_t n_added;
};

/* Adds an event at that time; one that is in the heap already moves there, and counts as newly added. 0, or -ENOMEM:
 * nothing has changed, which does not happen to one that is in the heap. */
int event_add(struct event_heap *heap, struct memory *memory, struct event *event, uint64_t at_ns);

/* Takes it out, if it is in the heap. */
void event_remove(struct event_heap *heap, struct event *event);

/* The earliest; NULL: none. */
static inline struct event *event_first(const struct event_heap *heap)
{
    return heap->n > 0 ? heap->entries[0].event : NULL;
}

static inline bool event_is_pending(const struct event *event)
{
    return event->place != 0;
}

#endif
