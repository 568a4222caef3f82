/* SPDX-License-Identifier: MIT
 *
 * How a run ends: when the program is closed, when nothing can happen any more, or when its time is over. */
#ifndef SIM_OUTCOME_H
#define SIM_OUTCOME_H

#include <trale/sim_report.h>

#include "tasks.h"

struct outcome {
    struct program *program;
    struct tasks *tasks;
    uint64_t limit_ns;   /* `time_limit` on the world's clock; UINT64_MAX: none */
    uint64_t settled_ns; /* the end of the time of quiet; UINT64_MAX: none */
};

/* Reads the options `time_limit` and `settle`. */
void outcome_init(struct outcome *outcome, struct program *program, struct tasks *tasks);

/* Brings the hash, the events and the time in the report up to date. */
void outcome_update(const struct outcome *outcome);

/* Whether the world's clock may move on to the next event. If not, the run is over, and no program is idle: each has to
 * abort its tasks. */
bool outcome_allows(const struct outcome *outcome, uint64_t next_ns);

/* Aborts the tasks of the program if the run is over. Returns whether it is. */
bool outcome_abort(const struct outcome *outcome);

/* No event is left, and the tasks wait: each await chain is a message. Or, where the program has reported success, the
 * run is over; then it returns true. */
bool outcome_hang(const struct outcome *outcome);

/* A replay is over: TRALE_SIM_DIVERGED or TRALE_SIM_RECORDING_ENDS. */
void outcome_replayed(const struct outcome *outcome, enum trale_sim_outcome end);

/* The program has left the world. */
void outcome_close(const struct outcome *outcome);

#endif
