/* SPDX-License-Identifier: MIT
 *
 * The executor: polls the tasks that are runnable, and sleeps when none is. */
#ifndef TRALE_CORE_EXECUTOR_H
#define TRALE_CORE_EXECUTOR_H

#include <pthread.h>

#include "core/fiber_stack.h"
#include "core/observer.h"
#include "core/park.h"
#include "core/run_queue.h"
#include "core/task.h"
#include "core/task_pool.h"

struct executor {
    /* The executor thread's own. */
    struct run_queue run_queue;   /* tasks to be polled */
    struct list wait_queue;       /* tasks that wait for a wake */
    struct list emptied;          /* who waits for n_tasks to be 0: struct executor_emptied */
    struct trale_task *running;   /* the one inside its poll, or NULL */
    struct trale_context context; /* what it is given */
    struct executor *outer;       /* the one whose task called this one, on the same thread */
    struct task_pool task_pool;
    struct fiber_stacks fiber_stacks;
    struct observer *observer;    /* NULL: nobody looks on */
    uint64_t n_polls, n_rounds, n_sleeps;
    uint64_t n_tasks;             /* not done, without the drivers' */
    uint64_t last_id;
    uint64_t n_late;       /* finished tasks that are still on their way in from other threads */
    uint64_t n_owed;       /* interrupts that other threads have promised */
    bool closing;      /* spawns come too late */
    bool callers_poll; /* there is no executor thread: who joins, polls */
    struct park park;
    void (*before_wait)(void *data, bool idle);
    void *before_wait_data;

    /* Tasks from other threads: a stack of them, or INJECTED_NONE, or INJECTED_ASLEEP: none, and the executor sleeps;
     * whoever replaces this value owes it an interrupt. */
    _Atomic uintptr_t injected;
    _Atomic bool stopping; /* executor_run is to return */

    /* Where there is no thread for it, callers take turns in the seat. */
    pthread_mutex_t seat_lock;
    pthread_cond_t seat_changed;
    bool seat_taken;
};

/* Who waits for n_tasks to be 0 (trale_run): taken off executor.emptied and woken when it is. */
struct executor_emptied {
    struct trale_future future;
    struct executor *executor;
    struct list node;
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

/* --- between executor.c and wake.c -------------------------------------------------------------------------------- */

/* The waker of every task. */
extern const struct trale_waker_table executor_waker_table;

/* Puts a task on the run-queue's end, from the wait-queue or from nowhere. [executor] */
void executor_queue(struct executor *executor, struct trale_task *task);

/* Wakes a task. [executor] */
void executor_wake(struct executor *executor, struct trale_task *task);

/* Makes a task that has just come one of the executor's. [executor] */
void executor_adopt(struct executor *executor, struct trale_task *task);

/* Hands a task that is marked TASK_INJECTED, and a reference to it, to the executor. The push is the last that this
 * thread has to do with it, but for the interrupt that it may owe. [any] */
void executor_push(struct executor *executor, struct trale_task *task);

/* Takes back the tasks that were spawned since *mark, before anybody runs the executor: their futures are not touched,
 * neither polled nor dropped. */
uintptr_t executor_mark(const struct executor *executor);
void executor_forget_since(struct executor *executor, uintptr_t mark);

/* The end of a task that has come too late to be polled: born cancelled. [executor] */
void executor_refuse(struct trale_task *task);

/* Takes in what other threads have pushed. [executor] */
void executor_drain(struct executor *executor);

/* Sleeps, unless something was pushed or executor_stop called. [executor] */
void executor_sleep(struct executor *executor);

#endif
