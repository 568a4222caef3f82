/* SPDX-License-Identifier: MIT
 *
 * The course of a run: the faults of its plan begin and end. Faults of links hold in the network by themselves. Those
 * of hosts concern the program that has the host: a notice tells it. */
#ifndef SIM_COURSE_H
#define SIM_COURSE_H

#include "host.h"

/* Adds a fault. 0 or -ENOMEM. */
int course_add(struct world *world, const struct scenario_entry *entry);

/* Draws the faults of a host, once, if faults are drawn. Call it when the host's program has said what it is. */
void course_draw(struct world *world, struct host *host);

/* A fault of the plan begins, or ends. Takes its event. */
void course_happen(struct world *world, struct plan_fault *fault);

/* The next fault of hosts that has begun or ended since the last call, in that order; NULL: none. */
struct plan_fault *course_next_notice(struct world *world);

/* Of the first 64 faults of a scenario, as bits: those that have not begun, or name a host that is not there. */
uint64_t course_idle(const struct world *world);

/* When the last fault is over, on the world's clock, apart from those that are kept; at least when the faults of the
 * run end. */
uint64_t course_end(const struct world *world);

#endif
