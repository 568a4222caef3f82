/* SPDX-License-Identifier: MIT */
#include "core/simulate/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/deadline.h"
#include "core/simulate/progress.h"
#include "core/simulate/refusal.h"

/* What a job does: one seed, or one await, in one place, with one run after the other. */
struct job {
    enum {
        JOB_FREE,   /* It has nothing to do. */
        JOB_FIRST,  /* The first run takes place. */
        JOB_SECOND, /* The second run does; `first` is the result of the first. */
    } state;
    int64_t number; /* the seed or the await */
    struct simulate_result first;
};

struct state {
    struct simulate_sweep *sweep;
    struct job *jobs;   /* one for each place */
    int64_t next, last; /* all are done when next > last */
    uint64_t limit_ns;  /* of the virtual time of a run whose task is cancelled; 0: none */
    struct simulate_progress progress;
};

/* --- results ------------------------------------------------------------------------------------------------------ */

static int compare_seeds(const void *a, const void *b)
{
    const struct simulate_failure *left = a, *right = b;
    if (left->seed != right->seed)
        return left->seed < right->seed ? -1 : 1;
    return left->await < right->await ? -1 : left->await > right->await;
}

static int add_failure(struct state *state, const struct simulate_failure *failure, int64_t number)
{
    struct simulate_sweep *sweep = state->sweep;
    struct simulate_failure *failures = reallocarray(sweep->failures, sweep->n_failures + 1, sizeof *sweep->failures);
    if (failures == NULL)
        return -ENOMEM;
    sweep->failures = failures;
    failures[sweep->n_failures++] = *failure;
    if (!sweep->setup->options->until_all && number <= state->last)
        state->last = number - 1;
    return 0;
}

/* In the order of seeds: so the first of each group has the lowest seed, however many jobs there are. */
static void group_failures(struct simulate_sweep *sweep)
{
    if (sweep->n_failures > 0)
        qsort(sweep->failures, sweep->n_failures, sizeof *sweep->failures, compare_seeds);
    if (!sweep->setup->options->until_all && sweep->n_failures > 1)
        sweep->n_failures = 1;
    for (size_t i = 0; i < sweep->n_failures; i++) {
        size_t j = 0;
        while (j < i && !simulate_is_same_failure(&sweep->failures[j].result, &sweep->failures[i].result))
            j++;
        sweep->failures[i].group = j < i ? sweep->failures[j].group : sweep->n_groups++;
    }
}

static int add_up(struct simulate_sweep *sweep, const struct simulate_place *place,
                  const struct simulate_result *result)
{
    sweep->n_runs++;
    sweep->virtual_ns += result->virtual_ns;
    sweep->n_sent += result->n_sent;
    sweep->n_segments += place->report.n_segments;
    sweep->n_linked += place->report.n_linked;
    sweep->n_marks_lost += place->report.n_marks_lost;
    sweep->n_events += result->n_events;
    sweep->idle_faults &= place->report.idle_faults;
    if (sweep->events_error == 0)
        sweep->events_error = (int)place->report.events_error;
    simulate_marks_reached(&sweep->marks, &place->report);
    return simulate_calls_add(&sweep->calls, place, sweep->setup);
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */

static struct simulate_plan plan_of(const struct state *state, int64_t number)
{
    const struct simulate_options *options = state->sweep->setup->options;
    if (options->cancel_everywhere != NULL)
        return (struct simulate_plan){.seed = options->first_seed, .cancel_await = number, .limit_ns = state->limit_ns};
    return (struct simulate_plan){.seed = number};
}

static int begin_job(struct state *state, size_t i)
{
    struct job *job = &state->jobs[i];
    job->state = JOB_FIRST;
    job->number = state->next++;
    const struct simulate_plan plan = plan_of(state, job->number);
    return simulate_start(&state->sweep->places[i], state->sweep->setup, &plan);
}

/* The second run: all that the program must not depend on is another. */
static int go_on(struct state *state, size_t i, const struct simulate_result *first)
{
    struct simulate_plan plan = plan_of(state, state->jobs[i].number);
    plan.random_addresses = plan.filled_memory = true;
    state->jobs[i].state = JOB_SECOND;
    state->jobs[i].first = *first;
    return simulate_start(&state->sweep->places[i], state->sweep->setup, &plan);
}

static int end_run(struct state *state, size_t i)
{
    struct simulate_sweep *sweep = state->sweep;
    struct job *job = &state->jobs[i];
    struct simulate_result result;
    simulate_judge(&sweep->places[i], sweep->setup, &result);
    int r = result.verdict != VERDICT_PASSED ? simulate_check_refusal(&sweep->places[i], sweep->setup) : 0;
    if (r == 0)
        r = add_up(sweep, &sweep->places[i], &result);
    if (r < 0)
        return r;
    bool is_second = job->state == JOB_SECOND;
    if (!is_second && result.verdict == VERDICT_PASSED && !sweep->setup->options->once)
        return go_on(state, i, &result);
    job->state = JOB_FREE;
    sweep->n_done++;
    const struct simulate_plan *plan = &sweep->places[i].plan;
    struct simulate_failure failure = {.seed = plan->seed,
                                       .await = plan->cancel_await,
                                       .limit_ns = plan->limit_ns,
                                       .result = is_second ? job->first : result,
                                       .second = result};
    if (is_second && !simulate_is_same_run(&job->first, &result))
        failure.result.verdict = VERDICT_NONDETERMINED;
    return failure.result.verdict != VERDICT_PASSED ? add_failure(state, &failure, job->number) : 0;
}

static int fill_jobs(struct state *state)
{
    for (size_t i = 0; i < state->sweep->setup->options->n_jobs; i++) {
        struct simulate_place *place = &state->sweep->places[i];
        struct job *job = &state->jobs[i];
        if (place->is_busy && job->number > state->last) { /* a lower one has failed */
            simulate_kill(place, 1, state->sweep->setup);
            job->state = JOB_FREE;
        }
        int r = !place->is_busy && state->next <= state->last ? begin_job(state, i) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int run_all(struct state *state)
{
    struct simulate_sweep *sweep = state->sweep;
    const struct simulate_options *options = sweep->setup->options;
    for (;;) {
        int r = fill_jobs(state);
        if (r == 0)
            r = simulate_wait(sweep->places, options->n_jobs, sweep->setup, DEADLINE_SECOND / 10);
        if (r == -ECHILD)
            return 0;
        if (r >= 0)
            r = end_run(state, (size_t)r);
        if (r < 0 && r != -EAGAIN)
            return r;
        simulate_progress_show(&state->progress, (uint64_t)sweep->n_done, sweep->n_failures);
    }
}

/* A program without the task may try again for ever: it has this much longer than the one with it. */
#define CANCELLED_FACTOR 10
#define CANCELLED_NS (600 * DEADLINE_SECOND)

static uint64_t limit_of(uint64_t virtual_ns)
{
    const uint64_t longest_ns = INT64_MAX / 2; /* that the option takes */
    return virtual_ns < (longest_ns - CANCELLED_NS) / CANCELLED_FACTOR ? CANCELLED_FACTOR * virtual_ns + CANCELLED_NS
                                                                       : longest_ns;
}

/* The awaits of the task in the run without an abort, or one of them. */
static int set_awaits(struct simulate_sweep *sweep, const struct simulate_options *options)
{
    uint64_t n = sweep->places[0].report.n_awaits;
    sweep->first = options->cancel_at > 0 ? options->cancel_at : 1;
    sweep->last = options->cancel_at > 0 ? options->cancel_at : (int64_t)n;
    if (n == 0)
        fprintf(stderr, "trale simulate: --cancel-everywhere %s: no task of this name has awaited anything\n",
                options->cancel_everywhere);
    else if (options->cancel_at > n)
        fprintf(stderr, "trale simulate: --cancel-at %u: allowed: 1 to %llu, the awaits of %s\n", options->cancel_at,
                (unsigned long long)n, options->cancel_everywhere);
    return n == 0 || options->cancel_at > n ? -ENOENT : 0;
}

/* Sets which numbers are gone through: the seeds, or the awaits of the task in a run where it is not cancelled. */
static int set_range(struct state *state)
{
    struct simulate_sweep *sweep = state->sweep;
    const struct simulate_options *options = sweep->setup->options;
    struct simulate_result result;
    sweep->first = options->first_seed;
    sweep->last = options->last_seed;
    if (options->cancel_everywhere != NULL) {
        const struct simulate_plan plan = {.seed = options->first_seed};
        int r = simulate_run(&sweep->places[0], sweep->setup, &plan, &result);
        if (r == 0)
            r = simulate_check_refusal(&sweep->places[0], sweep->setup);
        if (r < 0)
            return r;
        if (simulate_config_has(&sweep->setup->config, "time_limit"))
            state->limit_ns = limit_of(result.virtual_ns);
        r = set_awaits(sweep, options);
        if (r < 0)
            return r;
    }
    state->next = sweep->first;
    state->last = sweep->last;
    return 0;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int read_marks(struct simulate_sweep *sweep)
{
    const struct simulate_setup *setup = sweep->setup;
    int r = 0;
    for (size_t i = 0; r == 0 && i < setup->options->n_programs; i++)
        r = simulate_marks_read(&sweep->marks, setup->paths[i]);
    if (r == 0 && sweep->marks.n_items > TRALE_SIM_MARKS)
        r = -E2BIG;
    if (r == -E2BIG)
        fprintf(stderr, "trale simulate: the programs have %zu names of trale_sometimes; allowed are %d\n",
                sweep->marks.n_items, TRALE_SIM_MARKS);
    else if (r < 0)
        fprintf(stderr, "trale simulate: %s\n", strerror(-r));
    return r;
}

int simulate_sweep(struct simulate_sweep *sweep, const struct simulate_setup *setup)
{
    const struct simulate_options *options = setup->options;
    *sweep = (struct simulate_sweep){.setup = setup, .idle_faults = UINT64_MAX};
    struct state state = {.sweep = sweep};
    uint64_t begin_ns = deadline_now_ns();
    sweep->places = calloc(options->n_jobs, sizeof *sweep->places);
    state.jobs = calloc(options->n_jobs, sizeof *state.jobs);
    int r = sweep->places != NULL && state.jobs != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < options->n_jobs; i++) {
        char name[32];
        snprintf(name, sizeof name, "job-%zu", i);
        r = simulate_place_open(&sweep->places[i], setup, name);
    }
    if (r < 0)
        fprintf(stderr, "trale simulate: %s: %s\n", setup->folder, strerror(-r));
    if (r == 0)
        r = read_marks(sweep);
    if (r == 0)
        r = set_range(&state);
    simulate_progress_begin(&state.progress, options->cancel_everywhere != NULL ? "awaits" : "seeds",
                            (uint64_t)(sweep->last - sweep->first) + 1);
    if (r == 0)
        r = run_all(&state);
    simulate_progress_clear(&state.progress);
    simulate_kill(sweep->places, sweep->places != NULL ? options->n_jobs : 0, setup);
    free(state.jobs);
    sweep->real_ns = deadline_now_ns() - begin_ns;
    group_failures(sweep);
    return r;
}

void simulate_sweep_deinit(struct simulate_sweep *sweep)
{
    for (size_t i = 0; sweep->places != NULL && i < sweep->setup->options->n_jobs; i++) {
        if (sweep->places[i].folder != NULL)
            simulate_remove_folder(sweep->places[i].folder);
        simulate_place_close(&sweep->places[i], sweep->setup);
    }
    free(sweep->places);
    free(sweep->failures);
    simulate_marks_deinit(&sweep->marks);
    simulate_calls_deinit(&sweep->calls);
}
