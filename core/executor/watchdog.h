/* SPDX-License-Identifier: MIT
 *
 * Looks on while tasks are polled, where trale.ini asks for it: how long polls take, and which one takes too long. */
#ifndef CORE_EXECUTOR_WATCHDOG_H
#define CORE_EXECUTOR_WATCHDOG_H

#include <pthread.h>

#include "core/base/log.h"
#include "core/executor/task.h"

struct watchdog {
    /* The executor's own. */
    bool measures;
    uint64_t poll_ns, longest_poll_ns;

    /* What the watchdog is told: how many polls have begun, and of the one that is under way, whose it is. */
    _Atomic uint64_t n_polls;
    _Atomic uint64_t task_id;
    _Atomic(const char *) task_name; /* NULL: none is under way */
    _Atomic uint64_t n_stalls;       /* what it has seen */

    /* The watchdog's. */
    const struct log *log;
    const char *limit; /* as trale.ini has it */
    uint64_t limit_ns;
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* for `stopping` */
    pthread_cond_t changed;
    bool stopping;
};

/* `limit_ns` = 0: no watchdog. Nothing needs to be taken down before watchdog_start. */
void watchdog_init(struct watchdog *watchdog, bool measures, uint64_t limit_ns, const char *limit,
                   const struct log *log);

/* Starts the watchdog, if there is one; the thread takes over the caller's signal mask. 0 or a negative errno. */
int watchdog_start(struct watchdog *watchdog);

void watchdog_stop(struct watchdog *watchdog);

/* Polls a task's future. [executor] */
int64_t watchdog_poll(struct watchdog *watchdog, struct trale_task *task, struct trale_context *context);

#endif
