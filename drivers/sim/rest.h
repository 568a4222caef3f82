/* SPDX-License-Identifier: MIT
 *
 * What a program does when it has nothing to do: other programs of its world go on, and when all are idle, the world
 * takes its next event. */
#ifndef SIM_REST_H
#define SIM_REST_H

#include "parts.h"

/* How often signals of the kernel's are looked for, in real time, when nothing else can happen. */
#define OUTSIDE_NS (50 * TRALE_MILLISECOND)

/* No task is runnable: waits until one is. Returns for how long the executor may sleep in real time. */
uint64_t rest(struct sim *sim);

/* The executor is busy. */
void rest_busy(struct sim *sim);

/* Time passes while tasks are runnable. `instance` is the struct sim. It may be called in a poll. */
void rest_pass(void *instance, uint64_t passed_ns);

/* The program has the baton: what happens from now on is its doing. `dead` is what turn_wait has returned. */
void rest_resume(struct sim *sim, uint64_t dead);

/* The program that gets the baton from one that has ended; 0: none is left. */
uint32_t rest_heir(const struct world *world);

/* The program has ended, and the others go on. Returns the number of the one that gets the baton; 0: none is left. */
uint32_t rest_leave(struct sim *sim);

#endif
