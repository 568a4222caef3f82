/* SPDX-License-Identifier: MIT
 *
 * The end of children: found out, waited for, and brought about. */
#ifndef PROCESS_WATCH_H
#define PROCESS_WATCH_H

#include "children.h"

/* Sees to it that the driver's task waits for the end of the child, from its first poll on. 0 or -ENOMEM. */
int32_t child_watch(struct child *child);

/* Kills all that run, and waits for their ends, until `deadline_ns` on CLOCK_MONOTONIC; UINT64_MAX: without a limit. 0
 * or -ETIMEDOUT. */
int32_t children_end(struct driver *driver, uint64_t deadline_ns);

/* The table's. */
void process_close(void *instance, struct trale_process *process);
int32_t process_pid(void *instance, struct trale_process *process);
int32_t process_kill(void *instance, struct trale_process *process, int32_t signal);
int32_t process_release(void *instance, struct trale_process *process);
void process_wait(void *instance, struct trale_process_wait *wait);

#endif
