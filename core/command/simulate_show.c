/* SPDX-License-Identifier: MIT */
#include "core/command/simulate_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/simulate/replay.h"
#include "core/command/table.h"

/* --- files -------------------------------------------------------------------------------------------------------- */

/* The last lines of a file, of which the end of the last one is no line; begins at *at. Returns the text, mapped, or
 * NULL: it is empty. */
static char *map_tail(int fd, size_t n_lines, size_t *at, size_t *size)
{
    struct stat status;
    if (n_lines == 0 || fstat(fd, &status) < 0 || status.st_size == 0)
        return NULL;
    *size = (size_t)status.st_size;
    char *text = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text == MAP_FAILED)
        return NULL;
    size_t n = 0;
    for (*at = *size; *at > 0; --*at) {
        n += *at < *size && text[*at - 1] == '\n';
        if (n == n_lines)
            break;
    }
    return text;
}

/* Each line as it is shown, indented, without control characters. */
static void print_lines(const char *text, size_t at, size_t size)
{
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
        fputs("        ", stdout);
        table_print_text(text + at, length, stdout);
        putchar('\n');
        at += length + 1;
    }
}

static void print_output(const struct simulate_place *place, const struct simulate_setup *setup)
{
    for (size_t i = 0; i < setup->options->n_programs; i++) {
        size_t at = 0, size = 0;
        char *text = map_tail(place->processes[i].output, setup->options->n_lines, &at, &size);
        if (text == NULL)
            continue;
        printf("    output%s%s%s:\n", setup->options->n_programs > 1 ? " of " : "",
               setup->options->n_programs > 1 ? setup->options->programs[i].argv[0] : "",
               at > 0 ? ", the last lines" : "");
        print_lines(text, at, size);
        munmap(text, size);
    }
}

static void print_scenario(const struct simulate_scenario *scenario)
{
    for (size_t i = 0; i < scenario->n_lines; i++)
        printf("        %s\n", scenario->lines[i]);
}

static void print_necessary(size_t n_before, size_t n)
{
    printf("    faults: ");
    if (n_before == 0)
        printf("there are none");
    else if (n == n_before && n == 1)
        printf("the only one is necessary");
    else if (n == n_before)
        printf("all %zu are necessary", n);
    else if (n == 0)
        printf("none of %zu is necessary", n_before);
    else if (n == 1)
        printf("one of %zu is necessary", n_before);
    else
        printf("%zu of %zu are necessary", n, n_before);
}

static void print_faults(const struct simulate_explanation *explanation, const struct simulate_options *options)
{
    const struct simulate_shrinking *shrinking = &explanation->shrinking;
    struct simulate_scenario scenario;
    if (shrinking->is_possible) {
        print_necessary(shrinking->n_before, shrinking->scenario.n_lines);
        printf(", as was found by %llu run%s\n", (unsigned long long)shrinking->n_tries,
               shrinking->n_tries == 1 ? "" : "s");
        print_scenario(&shrinking->scenario);
        return;
    }
    if (options->shrink && explanation->is_same && explanation->failure->result.verdict != VERDICT_NONDETERMINED)
        printf("    not shrunk: with the scenario as a file the seed does not fail in the same way\n");
    if (simulate_scenario_read(&scenario, explanation->place.scenario_path) == 0 && scenario.n_lines > 0) {
        printf("    faults:\n");
        print_scenario(&scenario);
    }
    simulate_scenario_deinit(&scenario);
}

/* --- for people --------------------------------------------------------------------------------------------------- */

static void print_chain(const char *title, const char *chain)
{
    if (chain == NULL)
        return;
    printf("            %s\n", title);
    while (*chain != '\0') {
        int length = (int)strcspn(chain, "\n");
        printf("                %.*s\n", length, chain);
        chain += length + (chain[length] == '\n');
    }
}

static void print_event(const char *which, const struct simulate_event *event)
{
    printf("        %s: %s\n", which, event->text != NULL ? event->text : "no further event");
    print_chain("the task goes on where it awaited:", event->resumed);
    print_chain(event->resumed != NULL ? "and then waits:" : "the task waits:", event->waits);
}

static void print_difference(const struct simulate_difference *difference)
{
    char verdict[SIMULATE_VERDICT];
    printf("    %s\n", simulate_cause_text(difference->cause));
    if (difference->call != NULL)
        printf("    it calls %s\n", difference->call);
    if (difference->other.verdict != VERDICT_PASSED)
        printf("    the other run: %s%s%s\n", simulate_verdict_text(&difference->other, verdict),
               difference->other.message[0] != '\0' ? ": " : "", difference->other.message);
    if (difference->events[0].text == NULL && difference->events[1].text == NULL)
        return;
    printf("    the first event that differs:\n");
    print_event("one run", &difference->events[0]);
    print_event("the other run", &difference->events[1]);
}

static size_t count_group(const struct simulate_sweep *sweep, size_t group)
{
    size_t n = 0;
    for (size_t i = 0; i < sweep->n_failures; i++)
        n += sweep->failures[i].group == group;
    return n;
}

void simulate_show_failure(const struct simulate_explanation *explanation, const struct simulate_sweep *sweep)
{
    const struct simulate_setup *setup = sweep->setup;
    const struct simulate_failure *failure = explanation->failure;
    char verdict[SIMULATE_VERDICT];
    size_t n = count_group(sweep, failure->group);
    printf("seed %lld", (long long)failure->seed);
    if (failure->await > 0)
        printf(", %s cancelled at await %lld", setup->options->cancel_everywhere, (long long)failure->await);
    printf(": %s", simulate_verdict_text(&failure->result, verdict));
    if (n > 1)
        printf(" (and %zu other%s)", n - 1, n > 2 ? "s" : "");
    putchar('\n');
    if (failure->result.message[0] != '\0')
        printf("    %s\n", failure->result.message);
    if (!explanation->is_same)
        printf("    run again, it did something else: %s\n", simulate_verdict_text(&explanation->again, verdict));
    if (failure->result.verdict == VERDICT_NONDETERMINED)
        print_difference(&explanation->difference);
    print_output(&explanation->place, setup);
    print_faults(explanation, setup->options);
    printf("    files: %s\n", explanation->place.folder);
    if (explanation->place.report.missing_event > 0)
        printf("    the file of events has reached its limit, and ends before event %llu (--set events_limit=SIZE)\n",
               (unsigned long long)explanation->place.report.missing_event);
    printf("    again: ");
    simulate_replay_print(setup->options, failure->seed, failure->await, explanation->shrinking.path, stdout);
    putchar('\n');
}

const char *simulate_note(const struct simulate_sweep *sweep)
{
    return sweep->n_sent + sweep->n_segments > 0 && sweep->n_linked == 0
               ? "all that was sent has stayed on its host, where no fault of a link can touch it; hosts have "
                 "addresses such as 10.0.0.1"
               : NULL;
}

void simulate_idle_faults(const struct simulate_sweep *sweep, struct simulate_scenario *idle)
{
    const char *path = sweep->setup->options->scenario;
    struct simulate_scenario all = {0};
    *idle = (struct simulate_scenario){0};
    if (path == NULL || sweep->n_runs == 0 || simulate_scenario_read(&all, path) < 0)
        return;
    idle->lines = calloc(all.n_lines + 1, sizeof *idle->lines);
    for (size_t i = 0; idle->lines != NULL && i < all.n_lines && i < 64; i++)
        if ((sweep->idle_faults >> i & 1) != 0) {
            idle->lines[idle->n_lines++] = all.lines[i];
            all.lines[i] = NULL;
        }
    simulate_scenario_deinit(&all);
}

static void print_idle_faults(const struct simulate_sweep *sweep)
{
    struct simulate_scenario idle;
    simulate_idle_faults(sweep, &idle);
    for (size_t i = 0; i < idle.n_lines; i++) {
        printf("note: this fault did nothing in any run, for it has not begun, or a host of it does not exist: ");
        table_print_text(idle.lines[i], strlen(idle.lines[i]), stdout);
        putchar('\n');
    }
    simulate_scenario_deinit(&idle);
}

size_t simulate_count_missed(const struct simulate_sweep *sweep)
{
    const struct simulate_options *options = sweep->setup->options;
    size_t n = 0;
    bool is_whole = options->cancel_everywhere == NULL && sweep->n_done > 1 &&
                    sweep->n_done == sweep->last - sweep->first + 1;
    for (size_t i = 0; is_whole && i < sweep->marks.n_items; i++)
        n += sweep->marks.items[i].n_runs == 0;
    return n;
}

/* "3 d 4 h", "1.5 s" */
static void print_time(unsigned __int128 ns)
{
    uint64_t seconds = (uint64_t)(ns / 1000000000);
    if (seconds >= 86400)
        printf("%llu d %llu h", (unsigned long long)(seconds / 86400), (unsigned long long)(seconds % 86400 / 3600));
    else if (seconds >= 3600)
        printf("%llu h %llu min", (unsigned long long)(seconds / 3600), (unsigned long long)(seconds % 3600 / 60));
    else
        printf("%.1f s", (double)ns / 1e9);
}

void simulate_show_end(const struct simulate_sweep *sweep, bool is_ok)
{
    for (size_t i = 0; i < sweep->calls.n_items; i++)
        if (!sweep->calls.items[i].is_refused)
            printf("warning: the program leaves the simulation: %s\n", sweep->calls.items[i].text);
    size_t n_missed = simulate_count_missed(sweep);
    for (size_t i = 0; n_missed > 0 && i < sweep->marks.n_items; i++)
        if (sweep->marks.items[i].n_runs == 0)
            printf("never reached: trale_sometimes(\"%s\")\n", sweep->marks.items[i].name);
    if (sweep->n_marks_lost > 0)
        printf("warning: a run has reached more than %d names of trale_sometimes, and counted no more\n",
               TRALE_SIM_MARKS);
    if (simulate_note(sweep) != NULL)
        printf("note: %s\n", simulate_note(sweep));
    print_idle_faults(sweep);
    double seconds = (double)sweep->real_ns / 1e9;
    const char *what = sweep->setup->options->cancel_everywhere != NULL ? "await" : "seed";
    printf("%s: %lld %s%s, %llu run%s in %.1f s (%.0f per second), ", is_ok ? "passed" : "failed",
           (long long)sweep->n_done, what, sweep->n_done == 1 ? "" : "s", (unsigned long long)sweep->n_runs,
           sweep->n_runs == 1 ? "" : "s", seconds, seconds > 0 ? (double)sweep->n_runs / seconds : 0.0);
    print_time(sweep->virtual_ns);
    printf(" of virtual time");
    if (sweep->n_failures > 0 && sweep->setup->options->until_all)
        printf("; %zu %s%s failed, in %zu way%s", sweep->n_failures, what, sweep->n_failures == 1 ? "" : "s",
               sweep->n_groups, sweep->n_groups == 1 ? "" : "s");
    putchar('\n');
}
