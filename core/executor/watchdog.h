/* SPDX-License-Identifier: MIT
 *
 * Knows what is under way: a poll, the drop of a task, the end of a driver. Where trale.ini asks for it, measures how
 * long polls take, and names what takes too long. */
#ifndef CORE_EXECUTOR_WATCHDOG_H
#define CORE_EXECUTOR_WATCHDOG_H

#include <pthread.h>

#include "core/base/log.h"
#include "core/executor/task.h"

#define WATCHDOG_TEXT 256

enum watch_kind {
    WATCH_NOTHING, /* Nothing is under way. */
    WATCH_POLL,    /* A task is polled. */
    WATCH_DROP,    /* A task is dropped: its cleanup functions run. */
    WATCH_STOP,    /* A driver is stopped. */
};

struct watchdog {
    /* The executor's own. */
    bool measures;
    uint64_t poll_ns, longest_poll_ns;

    /* What the executor thread, and after its end the closing thread, says: how many things have begun, and what is
     * under way. */
    _Atomic uint64_t n_begun;
    _Atomic uint32_t kind; /* enum watch_kind */
    _Atomic uint64_t id;   /* of the task */
    _Atomic(const char *) name;
    _Atomic uint64_t n_stalls; /* what the watchdog has seen */

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

/* Starts the watchdog's thread, if there is one; `owner` is that of thread_start. 0 or a negative errno. */
int watchdog_start(struct watchdog *watchdog, const void *owner);

void watchdog_stop(struct watchdog *watchdog);

/* Says what is under way, and that it is over. `name` is static, or stays until the watchdog has stopped. [executor; a
 * closing thread when the executor has ended] */
static inline void watchdog_begin(struct watchdog *watchdog, enum watch_kind kind, uint64_t id, const char *name)
{
    uint64_t n_begun = atomic_load_explicit(&watchdog->n_begun, memory_order_relaxed);
    atomic_store_explicit(&watchdog->n_begun, n_begun + 1, memory_order_relaxed);
    atomic_store_explicit(&watchdog->id, id, memory_order_release);
    atomic_store_explicit(&watchdog->name, name, memory_order_release);
    atomic_store_explicit(&watchdog->kind, kind, memory_order_release);
}

static inline void watchdog_end(struct watchdog *watchdog)
{
    atomic_store_explicit(&watchdog->kind, WATCH_NOTHING, memory_order_release);
}

/* Writes what is under way, such as "task 5 (serve): its poll", into `text`; false if it is nothing. [any] */
bool watchdog_describe(struct watchdog *watchdog, char text[WATCHDOG_TEXT]);

/* Polls a task's future. [executor] */
int64_t watchdog_poll(struct watchdog *watchdog, struct trale_task *task, struct trale_context *context);

#endif
