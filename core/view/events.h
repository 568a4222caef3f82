/* SPDX-License-Identifier: MIT
 *
 * The events of a run, read from its file. */
#ifndef CORE_VIEW_EVENTS_H
#define CORE_VIEW_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct event {
    uint64_t number;
    uint64_t time_ns; /* since the run began */
    uint64_t program; /* from 1 */
    const char *host; /* "-": none */
    uint64_t task;    /* its id in the program; 0: none ran */
    const char *name; /* of the task; "-": none */
    const char *kind;
    const char *fields; /* NAME=VALUE strings, one behind the other */
    size_t n_fields;
};

struct events {
    struct event *items;
    size_t n_items;
    char *text; /* of the file, which the strings point into */
};

#define EVENTS_ERROR 200

/* Reads a file. 0, or a negative errno: `error` says why, with the line. A last line without its end, as a crash leaves
 * it, is left out. */
int events_read(struct events *events, const char *path, char error[EVENTS_ERROR]);
void events_free(struct events *events);

/* The value of a field; NULL: the event has none by that name. */
const char *event_field(const struct event *event, const char *name);

/* The same as a number; 0: there is none. */
uint64_t event_number(const struct event *event, const char *name);

#endif
