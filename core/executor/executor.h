/* SPDX-License-Identifier: MIT
 *
 * The executor: polls the tasks that are runnable, and sleeps when none is. */
#ifndef CORE_EXECUTOR_EXECUTOR_H
#define CORE_EXECUTOR_EXECUTOR_H

#include "core/executor/inject.h"
#include "core/executor/run_queue.h"
#include "core/executor/seat.h"
#include "core/executor/task.h"
#include "core/executor/task_pool.h"
#include "core/executor/watchdog.h"

struct executor {
    /* The executor thread's own. */
    struct run_queue run_queue;   /* tasks to be polled */
    struct trale_link idle;       /* tasks that wait for a wake */
    struct trale_link emptied;    /* who waits for n_tasks to be 0: struct executor_emptied */
    struct trale_task *running;   /* the one inside its poll, or NULL */
    struct trale_context context; /* what it is given */
    struct executor *outer;       /* the one whose task called this one, on the same thread */
    struct task_pool task_pool;
    struct watchdog *watchdog; /* NULL: nobody looks on */
    uint64_t n_polls, n_rounds, n_sleeps;
    uint64_t n_tasks; /* not done, without the drivers' */
    uint64_t last_id;
    uint64_t n_late;   /* finished tasks that are still on their way in from other threads */
    bool closing;      /* spawns come too late */
    bool callers_poll; /* there is no executor thread: who joins, polls */
    void (*before_wait)(void *data, bool idle);
    void *before_wait_data;

    struct injection injection;
    struct seat seat; /* where callers_poll */
};

/* Who waits for n_tasks to be 0 (trale_run): taken off executor.emptied and woken when it is. */
struct executor_emptied {
    struct trale_future future;
    struct executor *executor;
    struct trale_link node;
    const struct trale_waker *waker;
};

/* `before_wait` is called before each look at the reactor and each sleep, with idle = nothing is runnable. */
void executor_init(struct executor *executor, struct trale *runtime, bool callers_poll, struct park park,
                   void (*before_wait)(void *data, bool idle), void *before_wait_data);

/* Drops all tasks, the drivers' last, and waits for threads that are about to hand one over. Afterwards nothing touches
 * the executor. Nobody runs it then or later. */
void executor_deinit(struct executor *executor);

/* The executor that runs on this thread, or NULL. initial-exec: libtrale is loaded with the program, and a wake must
 * not cost a call to find out where it is. */
extern _Thread_local struct executor *executor_on_thread __attribute__((tls_model("initial-exec")));

/* Whether this thread runs that executor just now. The executor may be gone: its address is only compared. [any] */
static inline bool executor_is_here(const struct executor *executor)
{
    return executor_on_thread != NULL && executor_on_thread == executor;
}

/* The pool of that executor if this thread runs it, else NULL. Should another executor have its address by now, that
 * does no harm: blocks are all alike. [any] */
static inline struct task_pool *executor_pool_here(const struct executor *executor)
{
    return executor_is_here(executor) ? &executor_on_thread->task_pool : NULL;
}

/* Whether this thread is inside the executor's polls, also if one of its tasks has blocked on another executor. */
bool executor_is_on_thread(const struct executor *executor);

/* Makes a task (see task_new) and puts it on the run-queue. The caller owns its handle's reference. NULL: no memory.
 * [any] */
struct trale_task *executor_spawn(struct executor *executor, const struct trale_future *future, size_t size,
                                  bool driver);

/* trale_abort for a task that is not NULL. [any] */
void executor_abort(struct trale_task *task);

/* Becomes the executor thread until the task is finished. If another thread is just that, waits for the seat. */
void executor_run_until(struct executor *executor, struct trale_task *task);

/* Becomes the executor thread until executor_stop is called. */
void executor_run(struct executor *executor);
void executor_stop(struct executor *executor);

/* Takes back the tasks that were spawned since injection_mark, before anybody runs the executor: their futures are not
 * touched, neither polled nor dropped. */
void executor_forget_since(struct executor *executor, uintptr_t mark);

/* --- between executor.c and wake.c -------------------------------------------------------------------------------- */

/* The waker of every task. */
extern const struct trale_waker_table executor_waker_table;

/* Puts a task on the run-queue's end, from the idle list or from nowhere. [executor] */
void executor_queue(struct executor *executor, struct trale_task *task);

/* Wakes a task. [executor] */
void executor_wake(struct executor *executor, struct trale_task *task);

/* Makes a task that has just come one of the executor's. [executor] */
void executor_adopt(struct executor *executor, struct trale_task *task);

/* Ends a task that comes while the executor closes: it is cancelled before its first poll. [executor] */
void executor_refuse(struct executor *executor, struct trale_task *task);

/* Takes in what other threads have pushed. [executor] */
void executor_drain(struct executor *executor);

#endif
