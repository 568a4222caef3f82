/* SPDX-License-Identifier: MIT */
#include "core/simulate/events.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { NUMBER, TIME, HASH, PROGRAM, HOST, TASK, NAME, KIND, N_COLUMNS };

/* One file of events, read line by line. */
struct events {
    FILE *file;
    char *line, *columns[N_COLUMNS], *fields; /* of the latest event; fields: what follows its columns, or "" */
    size_t size;
};

static bool events_next(struct events *events)
{
    ssize_t length = events->file != NULL ? getline(&events->line, &events->size, events->file) : -1;
    if (length <= 0)
        return false;
    if (events->line[length - 1] == '\n')
        events->line[length - 1] = '\0';
    char *rest = events->line;
    for (int i = 0; i < N_COLUMNS; i++) {
        events->columns[i] = strsep(&rest, "\t");
        if (events->columns[i] == NULL)
            return false;
    }
    events->fields = rest != NULL ? rest : events->columns[KIND] + strlen(events->columns[KIND]);
    return true;
}

static void events_open(struct events *events, const char *path)
{
    *events = (struct events){.file = fopen(path, "re")};
}

static void events_close(struct events *events)
{
    if (events->file != NULL)
        fclose(events->file);
    free(events->line);
}

/* The last line of a file that has reached its limit. */
static bool is_limit(const struct events *events)
{
    return strcmp(events->columns[KIND], "limit") == 0;
}

/* "event 17 at 1.500000000 s: poll of task 3 (client) on 10.0.0.1: type=sleep line=12" */
static char *describe(const struct events *events)
{
    struct text text = {0};
    if (is_limit(events)) {
        text_add(&text, "event %s is not in the file, which has reached its limit (--set events_limit=SIZE)",
                 events->columns[NUMBER]);
        return text.chars;
    }
    unsigned long long ns = strtoull(events->columns[TIME], NULL, 10);
    text_add(&text, "event %s at %llu.%09llu s: %s", events->columns[NUMBER], ns / 1000000000, ns % 1000000000,
             events->columns[KIND]);
    if (strcmp(events->columns[TASK], "0") != 0)
        text_add(&text, ", task %s (%s)", events->columns[TASK], events->columns[NAME]);
    if (strcmp(events->columns[HOST], "-") != 0)
        text_add(&text, ", host %s", events->columns[HOST]);
    const char *separator = ":";
    for (const char *field = events->fields; *field != '\0';) {
        int length = (int)strcspn(field, "\t");
        if (strncmp(field, "chain=", strlen("chain=")) != 0) {
            text_add(&text, "%s %.*s", separator, length, field);
            separator = "";
        }
        field += length + (field[length] == '\t');
    }
    return text.chars;
}

/* --- where a task awaits ------------------------------------------------------------------------------------------ */

/* The value of a field, up to the end of it; NULL: there is no such field. */
static const char *find_field(const char *fields, const char *name, size_t *length)
{
    size_t n = strlen(name);
    while (*fields != '\0') {
        *length = strcspn(fields, "\t");
        if (*length > n && strncmp(fields, name, n) == 0 && fields[n] == '=') {
            *length -= n + 1;
            return fields + n + 1;
        }
        fields += *length + (fields[*length] == '\t');
    }
    return NULL;
}

/* The number of the task that an event is about: the one that runs, or else the one that is woken, or has ended. */
static unsigned long long subject(const struct events *events)
{
    size_t length;
    unsigned long long task = strtoull(events->columns[TASK], NULL, 10);
    const char *id = task == 0 ? find_field(events->fields, "id", &length) : NULL;
    return id != NULL ? strtoull(id, NULL, 10) : task;
}

/* The chain of a poll: its lines as they were. */
static void read_chain(const struct events *events, char **chain)
{
    size_t length;
    const char *text = find_field(events->fields, "chain", &length);
    free(*chain);
    *chain = text != NULL ? malloc(length + 1) : NULL;
    if (*chain == NULL)
        return;
    char *to = *chain;
    for (size_t i = 0; i < length; i++) {
        bool is_escaped = text[i] == '\\' && i + 1 < length;
        i += is_escaped;
        *to++ = is_escaped && text[i] == 'n' ? '\n' : text[i];
    }
    *to = '\0';
}

/* Finds the poll of the event's task that the event is in, or else the last one before it. */
static void find_chains(const char *path, const struct events *event, struct simulate_event *found)
{
    const unsigned long long number = strtoull(event->columns[NUMBER], NULL, 10), task = subject(event);
    struct events events;
    bool is_over = false;
    events_open(&events, path);
    while (!is_over && events_next(&events)) {
        const bool is_behind = strtoull(events.columns[NUMBER], NULL, 10) > number;
        const bool begins = strcmp(events.columns[KIND], "poll") == 0;
        const bool is_end = begins || strcmp(events.columns[KIND], "end") == 0;
        if (subject(&events) != task || strcmp(events.columns[PROGRAM], event->columns[PROGRAM]) != 0)
            continue;
        is_over = is_behind && (is_end || found->waits != NULL);
        if (is_over || (!begins && strcmp(events.columns[KIND], "polled") != 0))
            continue;
        read_chain(&events, begins ? &found->resumed : &found->waits);
        if (begins) {
            free(found->waits);
            found->waits = NULL;
        }
    }
    events_close(&events);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

void simulate_events_compare(const char *first_path, const char *second_path, struct simulate_event found[2])
{
    const char *const paths[] = {first_path, second_path};
    struct events both[2];
    bool is_there[2];
    for (int i = 0; i < 2; i++)
        events_open(&both[i], paths[i]);
    do
        for (int i = 0; i < 2; i++)
            is_there[i] = events_next(&both[i]);
    while (is_there[0] && is_there[1] && !is_limit(&both[0]) && !is_limit(&both[1]) &&
           strcmp(both[0].columns[HASH], both[1].columns[HASH]) == 0);
    for (int i = 0; i < 2; i++) {
        found[i] = (struct simulate_event){.text = is_there[i] ? describe(&both[i]) : NULL};
        if (is_there[i] && !is_limit(&both[i]) && subject(&both[i]) != 0)
            find_chains(paths[i], &both[i], &found[i]);
        events_close(&both[i]);
    }
}

void simulate_event_deinit(struct simulate_event *event)
{
    free(event->text);
    free(event->resumed);
    free(event->waits);
}
