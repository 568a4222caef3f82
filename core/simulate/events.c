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

/* "event 17 at 1.500000000 s: poll of task 3 (client) on 10.0.0.1: type=sleep line=12" */
static char *describe(const struct events *events)
{
    struct text text = {0};
    unsigned long long ns = strtoull(events->columns[TIME], NULL, 10);
    text_add(&text, "event %s at %llu.%09llu s: %s", events->columns[NUMBER], ns / 1000000000, ns % 1000000000,
             events->columns[KIND]);
    if (strcmp(events->columns[TASK], "0") != 0)
        text_add(&text, ", task %s (%s)", events->columns[TASK], events->columns[NAME]);
    if (strcmp(events->columns[HOST], "-") != 0)
        text_add(&text, ", host %s", events->columns[HOST]);
    char *fields = strdup(events->fields);
    for (char *c = fields; c != NULL && *c != '\0'; c++)
        *c = *c == '\t' ? ' ' : *c;
    if (fields != NULL && fields[0] != '\0')
        text_add(&text, ": %s", fields);
    free(fields);
    return text.chars;
}

/* Where the task of an event awaits: the fields of its last poll before that event. */
static char *find_await(const char *path, const struct events *event)
{
    struct events events;
    char *found = NULL;
    events_open(&events, path);
    while (events_next(&events) && strcmp(events.columns[NUMBER], event->columns[NUMBER]) != 0) {
        bool is_poll = strncmp(events.columns[KIND], "poll", 4) == 0;
        if (!is_poll || strcmp(events.columns[TASK], event->columns[TASK]) != 0 ||
            strcmp(events.columns[PROGRAM], event->columns[PROGRAM]) != 0)
            continue;
        free(found);
        found = strdup(events.fields);
        for (char *c = found; c != NULL && *c != '\0'; c++)
            *c = *c == '\t' ? ' ' : *c;
    }
    events_close(&events);
    return found;
}

void simulate_events_compare(const char *first_path, const char *second_path, char *events[2], char *awaits[2])
{
    const char *const paths[] = {first_path, second_path};
    struct events both[2];
    bool is_there[2];
    for (int i = 0; i < 2; i++)
        events_open(&both[i], paths[i]);
    do
        for (int i = 0; i < 2; i++)
            is_there[i] = events_next(&both[i]);
    while (is_there[0] && is_there[1] && strcmp(both[0].columns[HASH], both[1].columns[HASH]) == 0);
    for (int i = 0; i < 2; i++) {
        events[i] = is_there[i] ? describe(&both[i]) : NULL;
        awaits[i] = is_there[i] ? find_await(paths[i], &both[i]) : NULL;
        events_close(&both[i]);
    }
}
