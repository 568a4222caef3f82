/* SPDX-License-Identifier: MIT
 *
 * Looks on while tasks are polled, where trale.ini asks for it: how long polls take, and which one takes too long. */
#ifndef TRALE_CORE_OBSERVER_H
#define TRALE_CORE_OBSERVER_H

#include <pthread.h>

#include "core/log.h"
#include "core/task.h"

struct observer {
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

/* `limit_ns` = 0: no watchdog. Nothing needs to be taken down before observer_start. */
void observer_init(struct observer *observer, bool measures, uint64_t limit_ns, const char *limit,
                   const struct log *log);

/* Starts the watchdog, if there is one; the thread takes over the caller's signal mask. 0 or a negative errno. */
int observer_start(struct observer *observer);

void observer_stop(struct observer *observer);

/* Polls a task's future. [executor] */
int64_t observer_poll(struct observer *observer, struct trale_task *task, struct trale_context *context);

#endif
