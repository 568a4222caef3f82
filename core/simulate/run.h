/* SPDX-License-Identifier: MIT
 *
 * Runs: processes started in places, watched, and ended. */
#ifndef CORE_SIMULATE_RUN_H
#define CORE_SIMULATE_RUN_H

#include "core/simulate/place.h"
#include "core/simulate/verdict.h"

/* Blocks the signals that simulate_wait waits for: those of children, and those that end the command. Processes that
 * lose their parents become children of the command. */
void simulate_watch_signals(struct simulate_setup *setup);

/* The signal that was sent to end the command, or 0. */
extern int simulate_interrupted;

/* Starts a run in a place that is not busy. 0; or a negative errno and a message on stderr, and nothing runs. */
int simulate_start(struct simulate_place *place, const struct simulate_setup *setup, const struct simulate_plan *plan);

/* Waits until a run is over, and returns the index of its place; or -EINTR: a signal came that ends the command, or
 * -EAGAIN: `limit_ns` has passed, or -ECHILD: no place is busy. */
int simulate_wait(struct simulate_place *places, size_t n_places, const struct simulate_setup *setup,
                  uint64_t limit_ns);

/* Ends all runs at once. */
void simulate_kill(struct simulate_place *places, size_t n_places, const struct simulate_setup *setup);

/* Runs once, and judges it. 0 or a negative errno: -EINTR, or that of simulate_start. */
int simulate_run(struct simulate_place *place, const struct simulate_setup *setup, const struct simulate_plan *plan,
                 struct simulate_result *result);

#endif
