/* SPDX-License-Identifier: MIT
 *
 * A failure, run once more so that all is there that explains it. */
#ifndef CORE_SIMULATE_EXPLAIN_H
#define CORE_SIMULATE_EXPLAIN_H

#include "core/simulate/compare.h"
#include "core/simulate/shrink.h"
#include "core/simulate/sweep.h"

struct simulate_explanation {
    const struct simulate_failure *failure;
    struct simulate_place place;           /* its folder stays */
    struct simulate_result again;          /* of the run that was made here */
    bool is_same;                          /* it failed as the first one did */
    struct simulate_difference difference; /* with VERDICT_NONDETERMINED */
    struct simulate_shrinking shrinking;   /* with the option */
};

/* Runs the seed again in a folder of its own, with its scenario and events in files; a run that differed, too. 0 or a
 * negative errno, after a message. The explanation is freed in any case. */
int simulate_explain(struct simulate_explanation *explanation, const struct simulate_setup *setup,
                     const struct simulate_failure *failure);
void simulate_explanation_deinit(struct simulate_explanation *explanation, const struct simulate_setup *setup);

#endif
