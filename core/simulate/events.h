/* SPDX-License-Identifier: MIT
 *
 * Files of events, which the driver sim writes: a line each, with columns between tabs.
 *
 *     number, time (ns), hash of all so far, program, host, task, name of the task, kind, and fields NAME=VALUE */
#ifndef CORE_SIMULATE_EVENTS_H
#define CORE_SIMULATE_EVENTS_H

/* Finds the first event that differs: its hash does. events[] are these events as people read them, and awaits[] where
 * their tasks await, all allocated; NULL: not there. */
void simulate_events_compare(const char *first_path, const char *second_path, char *events[2], char *awaits[2]);

#endif
