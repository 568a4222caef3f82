/* SPDX-License-Identifier: MIT
 *
 * How far a sweep is, on stderr: a bar on a terminal, else a line now and then. */
#ifndef CORE_SIMULATE_PROGRESS_H
#define CORE_SIMULATE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct simulate_progress {
    bool is_terminal, is_shown;
    uint64_t begin_ns, next_ns; /* on CLOCK_MONOTONIC */
    const char *what;           /* is counted: "seeds" */
    uint64_t n_wanted;          /* 0: not known */
};

void simulate_progress_begin(struct simulate_progress *progress, const char *what, uint64_t n_wanted);
void simulate_progress_show(struct simulate_progress *progress, uint64_t n_done, uint64_t n_failed);

/* Takes the bar away, so that other lines can be written. */
void simulate_progress_clear(struct simulate_progress *progress);

#endif
