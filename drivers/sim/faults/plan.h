/* SPDX-License-Identifier: MIT
 *
 * The plan of a run: its list of faults. It comes from a scenario file, or is drawn for each host when it appears
 * (swarm.h). A list that was drawn, run as a scenario with the same seed, is the same run. What is done with it is in
 * course.h. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <trale/future.h>

#include "event.h"
#include "fault.h"
#include "swarm.h"

struct host;

/* A fault of the plan. */
struct plan_fault {
    struct event event; /* first: it begins, or ends */
    struct fault fault;
    struct plan_fault *next;   /* in the list */
    struct trale_link notices; /* among those that the program has to look at */
    enum plan_state {
        PLAN_COMING, /* It has not begun. */
        PLAN_ACTIVE, /* It holds until its end. */
        PLAN_OVER,   /* It has ended. */
    } state;
};

struct plan {
    struct plan_fault *first, *last;
    struct swarm swarm;
    bool draws;         /* hosts get faults that are drawn */
    uint32_t n_planned; /* hosts that have got theirs; there is room for the next power of two */
    struct host **planned;
    uint64_t quiet_ns;  /* on the world's clock: from then on only faults that are kept hold; UINT64_MAX: never */
    int list_fd;        /* where each entry is written, of the process that runs; -1: nowhere */
    int32_t list_error; /* why that is not complete, a negative errno; 0: it is */
    struct trale_link notices; /* faults of hosts that have begun or ended, by their `notices` */
    struct trale_link active;  /* faults of hosts that hold, by their `fault.link` */
};

#endif
