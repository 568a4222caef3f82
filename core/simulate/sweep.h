/* SPDX-License-Identifier: MIT
 *
 * A sweep: many seeds, several at once. */
#ifndef CORE_SIMULATE_SWEEP_H
#define CORE_SIMULATE_SWEEP_H

#include "core/simulate/guard.h"
#include "core/simulate/marks.h"
#include "core/simulate/run.h"

struct simulate_failure {
    int64_t seed;
    int64_t await;                 /* at which the task was cancelled; 0: at none */
    uint64_t limit_ns;             /* of virtual time, which the command has set; 0: none */
    struct simulate_result result; /* with VERDICT_NONDETERMINED that of the first run */
    struct simulate_result second; /* of the second run, if there was one */
    size_t group;                  /* failures of the same way have the same number */
};

struct simulate_sweep {
    const struct simulate_setup *setup;
    struct simulate_place *places;     /* options->n_jobs of them */
    struct simulate_failure *failures; /* by seed, without those after the first if it stopped there */
    size_t n_failures, n_groups;
    struct simulate_marks marks;
    struct simulate_calls calls; /* that the guard let pass, or refused */
    int64_t first, last;         /* seeds, or awaits with --cancel-everywhere */
    int64_t n_done;              /* of them */
    /* As in reports, of all runs. */
    uint64_t n_runs, n_sent, n_segments, n_linked, n_events, real_ns, n_marks_lost;
    uint64_t idle_faults;         /* of the scenario, as bits: those that were idle in all runs */
    int events_error;             /* why the file of --events is not complete, a negative errno; 0: it is */
    unsigned __int128 virtual_ns; /* each run may take centuries */
    bool is_interrupted;
};

/* Runs all seeds, or until one fails. 0; or a negative errno, after a message: the programs cannot be run; -EINTR: a
 * signal came. */
int simulate_sweep(struct simulate_sweep *sweep, const struct simulate_setup *setup);
void simulate_sweep_deinit(struct simulate_sweep *sweep);

#endif
