/* SPDX-License-Identifier: MIT
 *
 * The tracks of a timeline: one for each task, together by host. */
#ifndef CORE_VIEW_TRACKS_H
#define CORE_VIEW_TRACKS_H

#include <stdbool.h>

#include "core/view/events.h"

struct track {
    uint64_t program, task;
    const char *name;
    const char *host_name;
    size_t number; /* its place among all tracks, from 0 */
    size_t host;   /* the place of its host, from 0 */
    bool is_first_of_host;
    /* For the writer: */
    const struct event *waits; /* since this event; NULL: it does not */
    uint64_t woken_by;         /* the number of the event; 0: it was not woken since its last poll */
};

struct tracks {
    struct track *items; /* in the order of their hosts' first events, and then of their own */
    size_t n_items;
    const char **hosts; /* their names */
    size_t n_hosts;
    struct track **by_task; /* sorted by program and task */
};

/* The tracks of all tasks in the events. Task 0, which is what happens while none runs, has a track of each program. A
 * task is on the host of its last event, for it may run before it has one. 0 or -ENOMEM. */
int tracks_find(struct tracks *tracks, const struct events *events);
void tracks_free(struct tracks *tracks);

/* The track of a task of the event's program; the event is one of those that tracks_find was given, and the task its
 * own or one that it names by `id`. */
struct track *tracks_of(const struct tracks *tracks, const struct event *event, uint64_t task);

#endif
