/* SPDX-License-Identifier: MIT */
#include "core/command/simulate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/command/simulate_options.h"
#include "core/command/simulate_setup.h"
#include "core/command/simulate_show.h"

#define FAILED 1
#define UNUSABLE 2

/* Explains the failure with the lowest seed of each group. */
static int explain_all(const struct simulate_sweep *sweep, struct simulate_explanation *explanations, size_t *n)
{
    int r = 0;
    size_t n_groups = 0;
    for (size_t i = 0; r == 0 && i < sweep->n_failures; i++) {
        bool is_first = sweep->failures[i].group == n_groups;
        if (!is_first && !sweep->setup->options->keep)
            continue;
        n_groups += is_first;
        r = simulate_explain(&explanations[*n], sweep->setup, &sweep->failures[i]);
        ++*n;
        if (r == 0 && !sweep->setup->options->json)
            simulate_show_failure(&explanations[*n - 1], sweep);
    }
    return r;
}

static int run(const struct simulate_setup *setup)
{
    struct simulate_sweep sweep;
    struct simulate_explanation *explanations = NULL;
    size_t n_explanations = 0;
    int r = simulate_sweep(&sweep, setup);
    if (r == 0 && sweep.n_failures > 0) {
        explanations = calloc(sweep.n_failures, sizeof *explanations);
        r = explanations != NULL ? explain_all(&sweep, explanations, &n_explanations) : -ENOMEM;
    }
    bool is_ok = r == 0 && sweep.n_failures == 0 && simulate_count_missed(&sweep) == 0;
    if (r == 0 && setup->options->json)
        simulate_show_json(&sweep, explanations, n_explanations, is_ok);
    else if (r == 0)
        simulate_show_end(&sweep, is_ok);
    if (r == 0 && sweep.events_error < 0) {
        fprintf(stderr, "error: --events %s: %s\n", setup->options->events, strerror(-sweep.events_error));
        r = is_ok ? sweep.events_error : 0;
    }
    for (size_t i = 0; i < n_explanations; i++)
        simulate_explanation_deinit(&explanations[i], setup);
    free(explanations);
    simulate_sweep_deinit(&sweep);
    return r < 0 ? UNUSABLE : is_ok ? 0 : FAILED;
}

/* Ends as the signal would have ended the command at once. */
static void end_by_signal(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int command_simulate(int argc, char **argv)
{
    struct simulate_options options;
    struct simulate_setup setup;
    int status = UNUSABLE, r = simulate_options_read(&options, argc, argv);
    if (r > 0) {
        printf("usage:\n\ntrale %s\n    %s\n", simulate_usage, simulate_help);
        status = 0;
    } else if (r == 0) {
        if (simulate_setup(&setup, &options) == 0)
            status = run(&setup);
        simulate_setup_deinit(&setup);
    }
    simulate_options_deinit(&options);
    if (simulate_interrupted != 0)
        end_by_signal(simulate_interrupted);
    return status;
}
