/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "scenario_form.h"
#include "scenario_value.h"

struct writer {
    char *text;
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *writer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(writer->text + writer->length, SCENARIO_TEXT - writer->length, format, arguments);
    va_end(arguments);
    writer->length += n > 0 ? (size_t)n : 0;
}

static void put_side(struct writer *writer, const struct scenario_side *side)
{
    for (uint32_t i = 0; i < side->n_hosts; i++) {
        char text[TRALE_ADDRESS_TEXT];
        value_write_host(&side->hosts[i], text);
        put(writer, "%s%s", i > 0 ? ", " : "", text);
    }
    if (side->n_hosts == 0)
        put(writer, "*");
}

static void put_duration(struct writer *writer, const char *before, uint64_t ns)
{
    char text[VALUE_TEXT];
    value_write_duration(ns, text);
    put(writer, "%s%s", before, text);
}

static void put_values(struct writer *writer, const struct scenario_entry *entry, unsigned rest)
{
    char text[VALUE_TEXT];
    if ((rest & REST_RATE) != 0) {
        value_write_rate(entry->rate, text);
        put(writer, " %s", text);
    }
    if (entry->is_unchecked)
        put(writer, " unchecked");
    if ((rest & (REST_BY | REST_DURATION)) != 0)
        put_duration(writer, (rest & REST_BY) != 0 ? " by " : " ", entry->duration_ns);
    if (entry->jitter_ns > 0)
        put_duration(writer, " jitter ", entry->jitter_ns);
    if ((rest & REST_AMOUNT) != 0)
        put(writer, " %llu", (unsigned long long)entry->amount);
    if ((rest & REST_STEP) != 0)
        put_duration(writer, entry->step_ns < 0 ? " step -" : " step ",
                     entry->step_ns < 0 ? -(uint64_t)entry->step_ns : (uint64_t)entry->step_ns);
    if ((rest & REST_SIGNAL) != 0) {
        value_write_signal(entry->amount, text);
        put(writer, " %s", text);
    }
}

void scenario_format(const struct scenario_entry *entry, char text[SCENARIO_TEXT])
{
    struct writer writer = {.text = text};
    unsigned rest = scenario_forms[entry->kind].rest;
    bool has_end = entry->ends_ns != SCENARIO_NEVER;
    bool is_episode = entry->kind == SCENARIO_PARTITION || entry->kind >= SCENARIO_CRASH;
    put_duration(&writer, is_episode ? "at " : "from ", entry->begins_ns);
    if (has_end && !is_episode)
        put_duration(&writer, " until ", entry->ends_ns);
    put(&writer, " %s ", scenario_forms[entry->kind].word);
    put_side(&writer, &entry->from);
    if ((rest & REST_LINK) != 0) {
        put(&writer, entry->kind == SCENARIO_PARTITION && !entry->is_one_way ? " | " : " -> ");
        put_side(&writer, &entry->to);
    }
    put_values(&writer, entry, rest);
    if (has_end && is_episode)
        put_duration(&writer, (rest & REST_RESTART) != 0 ? ", restart after " : " for ",
                     entry->ends_ns - entry->begins_ns);
    if (entry->is_kept)
        put(&writer, " keep");
}
