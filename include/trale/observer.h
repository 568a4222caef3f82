/* SPDX-License-Identifier: MIT
 *
 * Observers: a driver that hears what the executor does, and may look at its tasks. For drivers that show, record or
 * simulate; a driver that serves an interface needs none of this.
 *
 *     static void woken(void *data, struct trale_task *task, struct trale_task *by, uint32_t source) ...
 *
 *     static const struct trale_observer calls = {.size = sizeof calls, .woken = woken};
 *
 *     in start:   if (host->observe == NULL)
 *                     return -ENOTSUP;                    a runtime that is older than observers
 *                 r = host->observe(host->context, &calls, instance, &instance->inspector);
 *
 * ORDER. What is heard of one task is, in this order:
 *     spawned
 *     poll_begins, then poll_ends, for each poll; or, once and as the last, drop_begins
 *     ended
 * and in between, at any place, `woken`, of this task and with this task as the one that wakes. Nothing is heard of it
 * after `ended`. What a poll does (wakes and spawns other tasks, calls drivers) comes between its poll_begins and its
 * poll_ends; what a drop does, between drop_begins and ended. The end of a task wakes those that wait for its result:
 * between its last poll_ends, or its drop, and its `ended`.
 * Every task of the runtime is heard of: the application's, those of drivers (this one's included), and the calls from
 * outside that are tasks for the executor (trale_block_on, trale_run, trale_stats). A task that is spawned when the
 * runtime has closed ends at once, unheard; so does one that a driver spawned whose start then failed.
 *
 * THREADS. All calls are made on the executor's thread, in all thread layouts, one at a time, and so between each other
 * in the order in which the executor does things. A wake, a spawn or an abort by another thread is heard when the
 * executor takes it in. Those of one task that arrive together count as one wake.
 *
 * COST. A runtime without observers runs the same instructions as if there were none of this.
 */
#ifndef TRALE_OBSERVER_H
#define TRALE_OBSERVER_H

#include <trale/introspection.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a task was woken by. */
#define TRALE_WOKEN_BY_TASK 0u   /* a task, in its poll, its drop or its end; it may have woken itself */
#define TRALE_WOKEN_BY_DRIVER 1u /* the executor's thread while no task runs: an fd is ready, or before_wait */
#define TRALE_WOKEN_BY_THREAD 2u /* another thread, or a task of another runtime */

/* What is called. The first argument is the `data` that was given to host->observe. Members may be NULL. A task is lent
 * until its `ended` returns. In these calls the functions of the inspector may be called, host->log, and wakers, whose
 * wakes are heard before they return; nothing is spawned, polled or dropped. [executor] */
struct trale_observer {
    uint32_t size;
    uint32_t reserved;

    /* A task is there, and runnable; it has its number. `spawner` is the task in whose poll or drop it was spawned;
     * NULL: no task of this runtime has. Its name may still be set by the spawner. */
    void (*spawned)(void *data, struct trale_task *task, struct trale_task *spawner);

    void (*poll_begins)(void *data, struct trale_task *task);

    /* `result` is TRALE_PENDING, or what the task returned. After TRALE_PENDING its future may be looked at, and the
     * task may be aborted: then it is dropped in place of its next poll. No task runs now. */
    void (*poll_ends)(void *data, struct trale_task *task, int64_t result);

    /* A task that has not ended was woken, whether or not it was runnable already; trale_abort wakes as well. `by` is
     * there with TRALE_WOKEN_BY_TASK, else NULL. If it has returned, its future is gone. */
    void (*woken)(void *data, struct trale_task *task, struct trale_task *by, uint32_t source);

    /* The task was aborted, or the runtime closes: its future, which may be looked at, is dropped now. */
    void (*drop_begins)(void *data, struct trale_task *task);

    /* The task is over. `result` is what trale_join returns. Its future is gone. */
    void (*ended)(void *data, struct trale_task *task, int64_t result);
};

/* What an observer may ask. The first argument of each function is `context`. Lent until stop returns. [executor: in
 * the calls above, in polls, in before_wait] */
struct trale_inspector {
    uint32_t size;
    uint32_t reserved;
    void *context;

    /* Fills *info, of which the caller knows `size` bytes, as trale_tasks does. `future` is NULL where it is gone. */
    void (*look)(void *context, const struct trale_task *task, struct trale_task_info *info, uint64_t size);

    /* trale_backtrace: writes the async backtrace of a future into buf, and returns the length of all of it. Of a task
     * inside its poll only what was pending before is true. */
    uint64_t (*backtrace)(void *context, const struct trale_future *future, char *buf, uint64_t size);

    /* The task whose result the future waits for: of a trale_join_future for a task of this runtime; else NULL. */
    const struct trale_task *(*joined)(void *context, const struct trale_future *future);

    /* The task inside its poll or drop; NULL: none. */
    struct trale_task *(*running)(void *context);

    /* Calls `visit` for each task that trale_tasks shows. `visit` may abort the task that it is given; it wakes nothing
     * else. Not in `spawned` or `woken`. */
    void (*each)(void *context, void (*visit)(void *data, struct trale_task *task), void *data);

    /* trale_abort. */
    void (*abort)(void *context, struct trale_task *task);
};

#ifdef __cplusplus
}
#endif

#endif
