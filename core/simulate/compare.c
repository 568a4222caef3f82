/* SPDX-License-Identifier: MIT */
#include "core/simulate/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/simulate/guard.h"

/* How often a run is made again that may differ or not. */
#define TRIES 5

/* What is changed, in the order in which the causes are looked for: with the first of these that differs. Memory goes
 * before addresses, for what was not written is often an old pointer. */
static const struct {
    bool random_addresses, filled_memory;
    enum simulate_cause cause;
    int n_tries;
} changes[] = {
    {false, false, CAUSE_OTHER, TRIES},
    {false, true, CAUSE_MEMORY, 1},
    {true, false, CAUSE_ADDRESS, TRIES},
    {true, true, CAUSE_UNKNOWN, TRIES},
};

/* Runs the seed with each change until a run differs. Returns 1: one does; 0: none does; or a negative errno. */
static int find_change(struct simulate_difference *difference, struct simulate_place *place,
                       const struct simulate_setup *setup, struct simulate_plan *plan,
                       const struct simulate_result *first)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        plan->random_addresses = changes[i].random_addresses;
        plan->filled_memory = changes[i].filled_memory;
        for (int try = 0; try < changes[i].n_tries; try++) {
            int r = simulate_run(place, setup, plan, &difference->other);
            if (r < 0)
                return r;
            if (simulate_is_same_run(first, &difference->other))
                continue;
            difference->cause = changes[i].cause;
            return 1;
        }
    }
    return 0;
}

/* A program whose runs differ with nothing changed: by what the guard saw pass. */
static int find_call(struct simulate_difference *difference, const struct simulate_place *place,
                     const struct simulate_setup *setup)
{
    static const struct {
        const char *kind;
        enum simulate_cause cause;
    } kinds[] = {{"clock", CAUSE_CLOCK}, {"entropy", CAUSE_ENTROPY}, {"thread", CAUSE_THREAD}};
    struct simulate_calls calls = {0};
    int r = simulate_calls_add(&calls, place, setup);
    for (size_t i = 0; difference->call == NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct simulate_call *call = simulate_calls_find(&calls, kinds[i].kind, false);
        if (call == NULL)
            continue;
        difference->call = strdup(call->text);
        difference->cause = kinds[i].cause;
    }
    simulate_calls_deinit(&calls);
    return r;
}

int simulate_compare(struct simulate_difference *difference, const struct simulate_setup *setup, int64_t seed,
                     const struct simulate_place *place, const struct simulate_result *first)
{
    struct simulate_place other;
    struct simulate_plan plan = place->plan;
    char name[64];
    *difference = (struct simulate_difference){0};
    snprintf(name, sizeof name, "seed-%lld-%lld-other", (long long)seed, (long long)plan.cancel_await);
    int r = simulate_place_open(&other, setup, name);
    if (r < 0)
        fprintf(stderr, "trale simulate: %s/%s: %s\n", setup->folder, name, strerror(-r));
    else
        r = find_change(difference, &other, setup, &plan, first);
    if (r > 0) {
        r = difference->cause == CAUSE_OTHER ? find_call(difference, &other, setup) : 0;
        difference->folder = strdup(other.folder);
        if (plan.writes_events)
            simulate_events_compare(place->events_path, other.events_path, difference->events);
    } else if (other.folder != NULL) {
        simulate_remove_folder(other.folder);
    }
    simulate_place_close(&other, setup);
    return r < 0 ? r : 0;
}

void simulate_difference_deinit(struct simulate_difference *difference)
{
    for (int i = 0; i < 2; i++)
        simulate_event_deinit(&difference->events[i]);
    free(difference->folder);
    free(difference->call);
}

const char *simulate_cause_word(enum simulate_cause cause)
{
    static const char *const words[] = {
        [CAUSE_UNKNOWN] = "unknown", [CAUSE_ADDRESS] = "address", [CAUSE_MEMORY] = "memory", [CAUSE_CLOCK] = "clock",
        [CAUSE_ENTROPY] = "entropy", [CAUSE_THREAD] = "thread",   [CAUSE_OTHER] = "other",
    };
    return words[cause];
}

const char *simulate_cause_text(enum simulate_cause cause)
{
    static const char *const texts[] = {
        [CAUSE_UNKNOWN] = "what it depends on is not known: further runs did not differ, or only now and then",
        [CAUSE_ADDRESS] = "it depends on addresses: of variables or functions, or by a hash or an order of pointers",
        [CAUSE_MEMORY] = "it depends on memory that it has not written, which malloc(3) gave it",
        [CAUSE_CLOCK] = "it depends on a real clock",
        [CAUSE_ENTROPY] = "it depends on real random numbers",
        [CAUSE_THREAD] = "it depends on when threads run",
        [CAUSE_OTHER] = "it depends on something that differs from process to process, such as its id or a file",
    };
    return texts[cause];
}
