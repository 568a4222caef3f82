/* SPDX-License-Identifier: MIT
 *
 * [runtime] checks = yes: what programs and drivers do against the contracts, named with the driver, the task and the
 * await point. */
#ifndef CORE_CHECKS_CHECKS_H
#define CORE_CHECKS_CHECKS_H

#include "core/checks/state.h"

/* Before the drivers are started. NULL: memory is out. `log` is lent until checks_close. */
struct checks *checks_open(struct executor *executor, struct reactor *reactor, bool callers_poll,
                           const struct log *log);

/* When the drivers have stopped. */
void checks_close(struct checks *checks);

/* Before the executor sleeps: looks whether the fds that were registered are the same files still. What it finds may
 * wake tasks. Returns for how many nanoseconds the executor may sleep before it looks again: where there are many fds,
 * not each sleep costs a look. [executor] */
uint64_t checks_look(struct checks *checks);

/* Writes the ledger of each driver, and what was found. [executor] */
void checks_dump(struct checks *checks, void (*write)(void *data, const char *text), void *data);

/* Around a call of a driver's start, settle or stop, on the thread that makes it: it may call the host and interfaces.
 * Nothing is done where there are no checks (NULL). */
void checks_phase_begins(struct checks *checks);
void checks_phase_ends(struct checks *checks);

#endif
