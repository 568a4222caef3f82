/* SPDX-License-Identifier: MIT */
#include "core/simulate/shrink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/simulate/progress.h"

/* What tries need. */
struct shrink {
    struct simulate_shrinking *shrinking;
    const struct simulate_setup *setup;
    const struct simulate_result *wanted;
    struct simulate_place place; /* of the tries */
    struct simulate_plan plan;
    struct simulate_progress progress;
};

/* Runs the seed with this scenario. Returns 1: it fails in the same way; 0: it does not; or a negative errno. */
static int try(struct shrink *shrink, const struct simulate_scenario *scenario)
{
    struct simulate_result result;
    int r = simulate_scenario_write(scenario, shrink->plan.scenario);
    if (r < 0)
        fprintf(stderr, "trale simulate: %s: %s\n", shrink->plan.scenario, strerror(-r));
    if (r == 0)
        r = simulate_run(&shrink->place, shrink->setup, &shrink->plan, &result);
    shrink->shrinking->n_tries++;
    simulate_progress_show(&shrink->progress, shrink->shrinking->n_tries, 0);
    return r < 0 ? r : simulate_is_same_failure(&result, shrink->wanted);
}

/* --- fewer -------------------------------------------------------------------------------------------------------- */

/* Tries without the lines [begin, end); they go if they are not necessary. Returns as try does. */
static int try_without(struct shrink *shrink, size_t begin, size_t end)
{
    struct simulate_scenario *scenario = &shrink->shrinking->scenario;
    const size_t n = end - begin, n_behind = scenario->n_lines - end;
    char **removed = calloc(n, sizeof *removed);
    if (removed == NULL)
        return -ENOMEM;
    memcpy(removed, scenario->lines + begin, n * sizeof *removed);
    memmove(scenario->lines + begin, scenario->lines + end, n_behind * sizeof *removed);
    scenario->n_lines -= n;
    int r = try(shrink, scenario);
    if (r > 0) {
        for (size_t i = 0; i < n; i++)
            free(removed[i]);
    } else {
        memmove(scenario->lines + end, scenario->lines + begin, n_behind * sizeof *removed);
        memcpy(scenario->lines + begin, removed, n * sizeof *removed);
        scenario->n_lines += n;
    }
    free(removed);
    return r;
}

/* Removes lines, many at once first, until each that is left is necessary. */
static int remove_lines(struct shrink *shrink)
{
    const struct simulate_scenario *scenario = &shrink->shrinking->scenario;
    for (size_t n = scenario->n_lines; n > 0;) {
        bool is_shorter = false;
        for (size_t at = 0; at < scenario->n_lines;) {
            size_t end = scenario->n_lines - at < n ? scenario->n_lines : at + n;
            int r = try_without(shrink, at, end);
            if (r < 0)
                return r;
            at = r > 0 ? at : end;
            is_shorter |= r > 0;
        }
        if (n > 1)
            n = (n + 1) / 2;
        else if (!is_shorter)
            n = 0;
    }
    return 0;
}

/* --- weaker ------------------------------------------------------------------------------------------------------- */

/* Halves one strength of a line for as long as the run fails. Returns how often it could, or a negative errno. */
static int weaken(struct shrink *shrink, char **line, size_t which)
{
    for (int n = 0;; n++) {
        char *before = *line, *weaker = simulate_weaken(before, which);
        if (weaker == NULL)
            return n;
        *line = weaker;
        int r = try(shrink, &shrink->shrinking->scenario);
        *line = r > 0 ? weaker : before;
        free(r > 0 ? before : weaker);
        if (r <= 0)
            return r < 0 ? r : n;
    }
}

static int weaken_lines(struct shrink *shrink)
{
    const struct simulate_scenario *scenario = &shrink->shrinking->scenario;
    for (size_t i = 0; i < scenario->n_lines; i++)
        for (size_t which = 0; which < simulate_count_strengths(scenario->lines[i]); which++) {
            int r = weaken(shrink, &scenario->lines[i], which);
            if (r < 0)
                return r;
        }
    return 0;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int shrink_scenario(struct shrink *shrink)
{
    int r = try(shrink, &shrink->shrinking->scenario);
    if (r <= 0)
        return r;
    shrink->shrinking->is_possible = true;
    r = remove_lines(shrink);
    if (r == 0)
        r = weaken_lines(shrink);
    return r == 0 ? remove_lines(shrink) : r; /* weaker, a line may have become unnecessary */
}

int simulate_shrink(struct simulate_shrinking *shrinking, const struct simulate_setup *setup,
                    const struct simulate_place *place, const struct simulate_result *result)
{
    struct shrink shrink = {.shrinking = shrinking, .setup = setup, .wanted = result};
    *shrinking = (struct simulate_shrinking){0};
    char name[64];
    snprintf(name, sizeof name, "shrink-%lld", (long long)place->plan.seed);
    int r = simulate_scenario_read(&shrinking->scenario, place->scenario_path);
    if (r == 0)
        r = simulate_place_open(&shrink.place, setup, name);
    if (r < 0)
        fprintf(stderr, "trale simulate: %s: %s\n", place->scenario_path, strerror(-r));
    shrink.plan = (struct simulate_plan){.seed = place->plan.seed,
                                         .cancel_await = place->plan.cancel_await,
                                         .limit_ns = place->plan.limit_ns,
                                         .scenario = shrink.place.scenario_path};
    simulate_progress_begin(&shrink.progress, "tries", 0);
    shrinking->n_before = shrinking->scenario.n_lines;
    if (r == 0)
        r = shrink_scenario(&shrink);
    simulate_progress_clear(&shrink.progress);
    if (shrink.place.folder != NULL) {
        simulate_remove_folder(shrink.place.folder);
        simulate_place_close(&shrink.place, setup);
    }
    if (r < 0 || !shrinking->is_possible)
        return r < 0 ? r : 0;
    if (asprintf(&shrinking->path, "%s/shrunk", place->folder) < 0)
        shrinking->path = NULL;
    return shrinking->path != NULL ? simulate_scenario_write(&shrinking->scenario, shrinking->path) : -ENOMEM;
}

void simulate_shrinking_deinit(struct simulate_shrinking *shrinking)
{
    simulate_scenario_deinit(&shrinking->scenario);
    free(shrinking->path);
}
