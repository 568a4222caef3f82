/* SPDX-License-Identifier: MIT
 *
 * Files of events, which the driver sim writes: a line each, with columns between tabs.
 *
 *     number, time (ns), hash of all so far, program, host, task, name of the task, kind, and fields NAME=VALUE */
#ifndef CORE_SIMULATE_EVENTS_H
#define CORE_SIMULATE_EVENTS_H

/* An event, and where its task awaits: async backtraces, of a line for each future. All is allocated. */
struct simulate_event {
    char *text;    /* as people read it; NULL: there is no event */
    char *resumed; /* where the task awaited what the poll goes on with that has the event in it; NULL: not known */
    char *waits;   /* where it waits after that poll; NULL: not known, or nowhere */
};

/* Finds the first event that differs: its hash does. Of a file that ends before, the event is none. */
void simulate_events_compare(const char *first_path, const char *second_path, struct simulate_event found[2]);
void simulate_event_deinit(struct simulate_event *event);

#endif
