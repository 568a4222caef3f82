/* SPDX-License-Identifier: MIT
 *
 * For what tasks wait: what is said of a run that has hung, and a task that is aborted where it waits. */
#ifndef SIM_WAITS_H
#define SIM_WAITS_H

#include <stdbool.h>

#include <trale/observer.h>

#include "program.h"

/* A program's tasks, as the executor shows them. */
struct waits {
    struct program *program;
    const struct trale_inspector *inspector;
    const char *(*host_of)(void *data, const struct trale_task *task); /* the address of its host, or NULL */
    void *data;
    char *chain; /* the latest one, in memory that is mapped, for the program's heap is what it is without it */
    size_t chain_size;
};

/* With the option `chains`, the async backtrace of the future, lent until the next call. NULL: without it, or there is
 * no memory. */
const char *waits_chain(struct waits *waits, const struct trale_future *future);
void waits_deinit(struct waits *waits);

/* Writes a message for each task of the program, with its host, what it waits for, and its async backtrace; and, if it
 * is a hang, the `failure` of the report (trale/sim_report.h). */
void waits_report(const struct waits *waits, bool is_hang);

/* Options `cancel_task` and `cancel_await`: the poll of a task has ended without a result. If the task has that name,
 * this is one more of its awaits; if it is the one that is looked for, the task is aborted. */
void waits_count(const struct waits *waits, struct trale_task *task, const struct trale_task_info *info);

#endif
