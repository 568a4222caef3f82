/* SPDX-License-Identifier: MIT
 *
 * Tells a process from the children that it forks: they have a copy of its memory, but none of its threads, and share
 * its descriptors. */
#ifndef CORE_BASE_PROCESS_H
#define CORE_BASE_PROCESS_H

#include <stdint.h>

/* How many calls of fork(3) lie between the process that first called process_watch_forks and this one. _Fork(3),
 * vfork(2) and clone(2) do not count. */
extern uint32_t process_generation;

/* Has forks counted from now on. */
void process_watch_forks(void);

#endif
