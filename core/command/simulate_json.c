/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "core/command/simulate_show.h"
#include "core/command/table.h"
#include "core/simulate/replay.h"

static char *replay_text(const struct simulate_setup *setup, const struct simulate_failure *failure,
                         const char *scenario)
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL)
        return NULL;
    simulate_replay_print(setup->options, failure->seed, failure->await, scenario, file);
    fclose(file);
    return text;
}

static const struct simulate_explanation *find_explanation(const struct simulate_explanation *explanations, size_t n,
                                                           const struct simulate_failure *failure)
{
    for (size_t i = 0; i < n; i++)
        if (explanations[i].failure == failure)
            return &explanations[i];
    return NULL;
}

static void add_failure(struct table *table, const struct simulate_sweep *sweep, const struct simulate_failure *failure,
                        const struct simulate_explanation *explanation)
{
    static const struct simulate_event none;
    const struct simulate_result *result = &failure->result;
    const struct simulate_difference *difference = explanation != NULL && result->verdict == VERDICT_NONDETERMINED
                                                       ? &explanation->difference
                                                       : NULL;
    const struct simulate_shrinking *shrinking = explanation != NULL && explanation->shrinking.is_possible
                                                     ? &explanation->shrinking
                                                     : NULL;
    char *replay = replay_text(sweep->setup, failure, shrinking != NULL ? shrinking->path : NULL);
    table_add_number(table, failure->seed);
    if (failure->await > 0)
        table_add_number(table, failure->await);
    else
        table_add_text(table, NULL);
    table_add_text(table, simulate_verdict_word(result->verdict));
    table_add_text(table, result->message);
    table_add_number(table, (int64_t)failure->group);
    table_add_number(table, result->status);
    table_add_number(table, (int64_t)result->virtual_ns);
    table_add_text(table, difference != NULL ? simulate_cause_word(difference->cause) : NULL);
    table_add_text(table, difference != NULL ? difference->call : NULL);
    for (int i = 0; i < 2; i++) {
        const struct simulate_event *event = difference != NULL ? &difference->events[i] : &none;
        table_add_text(table, event->text);
        table_add_text(table, event->resumed);
        table_add_text(table, event->waits);
    }
    table_add_text(table, explanation != NULL ? explanation->place.folder : NULL);
    table_add_text(table, shrinking != NULL ? shrinking->path : NULL);
    if (shrinking != NULL)
        table_add_number(table, (int64_t)shrinking->scenario.n_lines);
    else
        table_add_text(table, NULL);
    table_add_text(table, replay);
    free(replay);
}

static void print_failures(const struct simulate_sweep *sweep, const struct simulate_explanation *explanations,
                           size_t n)
{
    struct table table = {.title = "failures",
                          .columns = {{.name = "seed"},
                                      {.name = "await"},
                                      {.name = "verdict"},
                                      {.name = "message"},
                                      {.name = "group"},
                                      {.name = "status"},
                                      {.name = "virtual_ns"},
                                      {.name = "cause"},
                                      {.name = "call"},
                                      {.name = "event"},
                                      {.name = "resumed_at"},
                                      {.name = "waits_at"},
                                      {.name = "other_event"},
                                      {.name = "other_resumed_at"},
                                      {.name = "other_waits_at"},
                                      {.name = "folder"},
                                      {.name = "shrunk"},
                                      {.name = "shrunk_faults"},
                                      {.name = "again"}}};
    for (size_t i = 0; i < sweep->n_failures; i++)
        add_failure(&table, sweep, &sweep->failures[i], find_explanation(explanations, n, &sweep->failures[i]));
    table_print_json(&table, stdout);
    table_deinit(&table);
}

static void print_calls_and_marks(const struct simulate_sweep *sweep)
{
    struct table calls = {.title = "calls",
                          .columns = {{.name = "kind"},
                                      {.name = "function"},
                                      {.name = "module"},
                                      {.name = "offset"},
                                      {.name = "refused"},
                                      {.name = "text"}}};
    struct table marks = {.title = "marks", .columns = {{.name = "name"}, {.name = "runs"}}};
    for (size_t i = 0; i < sweep->calls.n_items; i++) {
        const struct simulate_call *call = &sweep->calls.items[i];
        table_add_text(&calls, call->kind);
        table_add_text(&calls, call->function);
        table_add_text(&calls, call->module);
        table_add_text(&calls, call->offset);
        table_add_truth(&calls, call->is_refused);
        table_add_text(&calls, call->text);
    }
    for (size_t i = 0; i < sweep->marks.n_items; i++) {
        table_add_text(&marks, sweep->marks.items[i].name);
        table_add_number(&marks, (int64_t)sweep->marks.items[i].n_runs);
    }
    table_print_json(&calls, stdout);
    printf(",\n ");
    table_print_json(&marks, stdout);
    table_deinit(&calls);
    table_deinit(&marks);
}

static void print_idle_faults(const struct simulate_sweep *sweep)
{
    struct simulate_scenario idle;
    simulate_idle_faults(sweep, &idle);
    printf(",\n \"idle_faults\": [");
    for (size_t i = 0; i < idle.n_lines; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        json_print_text(idle.lines[i], stdout);
    }
    putchar(']');
    simulate_scenario_deinit(&idle);
}

/* A number that may have more than 64 bits. */
#define NUMBER_DIGITS 48
static void number_text(unsigned __int128 number, char text[NUMBER_DIGITS])
{
    const uint64_t part = UINT64_C(1000000000000000000);
    if (number < part)
        snprintf(text, NUMBER_DIGITS, "%llu", (unsigned long long)number);
    else
        snprintf(text, NUMBER_DIGITS, "%llu%018llu", (unsigned long long)(number / part),
                 (unsigned long long)(number % part));
}

void simulate_show_json(const struct simulate_sweep *sweep, const struct simulate_explanation *explanations,
                        size_t n_explanations, bool is_ok)
{
    const struct simulate_options *options = sweep->setup->options;
    char virtual_ns[NUMBER_DIGITS];
    number_text(sweep->virtual_ns, virtual_ns);
    printf("{\"ok\": %s, \"first_seed\": %lld, \"last_seed\": %lld, \"done\": %lld, \"runs\": %llu,\n"
           " \"seconds\": %.3f, \"virtual_ns\": %s, \"events\": %llu, \"sent\": %llu, \"linked\": %llu, "
           "\"failed\": %zu, \"groups\": %zu, \"marks_lost\": %llu,\n \"note\": ",
           is_ok ? "true" : "false", (long long)options->first_seed, (long long)options->last_seed,
           (long long)sweep->n_done, (unsigned long long)sweep->n_runs, (double)sweep->real_ns / 1e9, virtual_ns,
           (unsigned long long)sweep->n_events, (unsigned long long)sweep->n_sent, (unsigned long long)sweep->n_linked,
           sweep->n_failures, sweep->n_groups, (unsigned long long)sweep->n_marks_lost);
    json_print_text(simulate_note(sweep), stdout);
    print_idle_faults(sweep);
    printf(",\n ");
    print_failures(sweep, explanations, n_explanations);
    printf(",\n ");
    print_calls_and_marks(sweep);
    printf("}\n");
}
