/* SPDX-License-Identifier: MIT */
#include "core/simulate/explain.h"

#include <stdio.h>
#include <string.h>

int simulate_explain(struct simulate_explanation *explanation, const struct simulate_setup *setup,
                     const struct simulate_failure *failure)
{
    char name[64];
    *explanation = (struct simulate_explanation){.failure = failure};
    if (failure->await > 0)
        snprintf(name, sizeof name, "seed-%lld-await-%lld", (long long)failure->seed, (long long)failure->await);
    else
        snprintf(name, sizeof name, "seed-%lld", (long long)failure->seed);
    int r = simulate_place_open(&explanation->place, setup, name);
    if (r < 0) {
        fprintf(stderr, "trale simulate: %s/%s: %s\n", setup->folder, name, strerror(-r));
        return r;
    }
    bool differs = failure->result.verdict == VERDICT_NONDETERMINED;
    const struct simulate_plan plan = {.seed = failure->seed,
                                       .cancel_await = failure->await,
                                       .limit_ns = failure->limit_ns,
                                       .writes_events = simulate_config_has(&setup->config, "events"),
                                       .writes_chains = differs && simulate_config_has(&setup->config, "chains"),
                                       .writes_scenario = simulate_config_has(&setup->config, "scenario_out")};
    r = simulate_run(&explanation->place, setup, &plan, &explanation->again);
    if (r < 0)
        return r;
    explanation->is_same = differs || simulate_is_same_failure(&explanation->again, &failure->result);
    if (differs)
        return simulate_compare(&explanation->difference, setup, failure->seed, &explanation->place,
                                &explanation->again);
    return setup->options->shrink && explanation->is_same
               ? simulate_shrink(&explanation->shrinking, setup, &explanation->place, &explanation->again)
               : 0;
}

void simulate_explanation_deinit(struct simulate_explanation *explanation, const struct simulate_setup *setup)
{
    simulate_difference_deinit(&explanation->difference);
    simulate_shrinking_deinit(&explanation->shrinking);
    simulate_place_close(&explanation->place, setup);
}
