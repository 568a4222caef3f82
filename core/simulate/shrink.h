/* SPDX-License-Identifier: MIT
 *
 * From the scenario of a failed run to the fewest and weakest faults with which the same seed fails in the same way. */
#ifndef CORE_SIMULATE_SHRINK_H
#define CORE_SIMULATE_SHRINK_H

#include "core/simulate/run.h"
#include "core/simulate/scenario.h"

struct simulate_shrinking {
    bool is_possible; /* the scenario alone makes the run fail in the same way; else nothing was shrunk */
    struct simulate_scenario scenario; /* each line is necessary */
    size_t n_before;                   /* lines */
    uint64_t n_tries;                  /* runs */
    char *path;                        /* of the file with the scenario; NULL: none */
};

/* Shrinks the scenario of a run in `place`, which ended as `result` says. The new one is the file "shrunk" there.
 * 0 or a negative errno, after a message. The shrinking is freed in any case. */
int simulate_shrink(struct simulate_shrinking *shrinking, const struct simulate_setup *setup,
                    const struct simulate_place *place, const struct simulate_result *result);
void simulate_shrinking_deinit(struct simulate_shrinking *shrinking);

#endif
