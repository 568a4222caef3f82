/* SPDX-License-Identifier: MIT
 *
 * A task: a future, its waker, and its life.
 *
 * Two kinds of state are kept apart. The state and the queues of the task (enum task_state) belong to the executor
 * thread alone and need no atomic operations. What other threads may change is in one atomic word, `shared`: flags and
 * a count of references. A thread that wakes a task from outside does not touch the queues; it pushes the task to the
 * executor, which then wakes it itself. See README.md.
 */
#ifndef CORE_EXECUTOR_TASK_H
#define CORE_EXECUTOR_TASK_H

#include <stdatomic.h>
#include <stdbool.h>

#include <trale/trale.h>

#include "core/base/list.h"
#include "core/executor/task_pool.h"

struct executor;

enum task_state {
    TASK_IDLE,    /* On the idle list. Entered by a poll that said "pending"; left by a wake. */
    TASK_QUEUED,  /* On the run-queue. Entered by spawn and by wakes; left by being polled. */
    TASK_RUNNING, /* On no queue, inside its poll. Left by the poll's end. */
    TASK_WOKEN,   /* As RUNNING, and woken since the poll began: goes back on the run-queue. */
    TASK_DONE,    /* On no queue, the future resolved or dropped. Never left. */
};

/* The flags in `shared`. FINISHED, ABORTED, AWAITED, BLOCKED and POLLED are never cleared. */
#define TASK_FINISHED 1u /* `result` is there. Set by the executor. */
#define TASK_INJECTED 2u /* On its way to the executor from another thread: set by the thread that pushes it, once. */
#define TASK_ABORTED 4u  /* trale_abort was called. */
#define TASK_AWAITED 8u  /* `joins_elsewhere` has been used. */
#define TASK_BLOCKED 16u /* A thread sleeps on this word until the task is FINISHED, or no longer LOCKED. */
#define TASK_POLLED 32u  /* Always: there is no executor thread, trale_join has to poll. */
#define TASK_LOCKED 64u  /* A thread changes `joins_elsewhere`. */
#define TASK_REFERENCE 256u
/* Above this, references are no longer counted: the task is leaked, and never freed while it is in use. */
#define TASK_REFERENCES_MAX (1u << 31)

struct trale_task {
    struct trale_waker waker; /* first: a waker is its task */
    union {
        struct trale_future *future; /* until it is DONE */
        int64_t result;              /* from then on */
    };
    struct executor *executor; /* alive as long as the task is not FINISHED, and until it has left the injection */
    struct trale_link node;    /* on the run-queue or the idle list */
    struct trale_task *next_injected;
    /* The futures that wait for the result, as rings: NULL, or the first, whose previous is the last. Those that are
     * polled on the executor thread, and those that are polled elsewhere, which TASK_LOCKED guards. */
    struct trale_link *joins_here, *joins_elsewhere;
    uint64_t id;
    uint64_t n_polls, n_wakes;
    uint64_t poll_ns;           /* if that is measured */
    _Atomic(const char *) name; /* the outermost future's until trale_task_set_name */
    _Atomic uint32_t shared;
    uint8_t state;      /* enum task_state */
    uint8_t size_class; /* in the pool */
    bool driver;        /* a driver's own or the runtime's: not counted by trale_run */
    _Atomic uint8_t priority;
    /* The frame of a spawned task follows. */
    _Alignas(max_align_t) char frame[];
};

/* Makes a task for a copy of the frame, or (size 0) for a future that stays where it is. It has two references: the
 * executor's and the handle's. `pool` is the executor's on its own thread, NULL on others. NULL when memory is out.
 * [any] */
struct trale_task *task_new(struct task_pool *pool, struct executor *executor, const struct trale_waker_table *table,
                            const struct trale_future *future, size_t size);

void task_reference(struct trale_task *task);

/* Gives a reference back; the last one gives the memory to the pool, or frees it where that is NULL. [any] */
void task_release(struct trale_task *task, struct task_pool *pool);

/* Sets the result, for all threads to see, wakes the tasks and threads that wait for it, gives back the executor's
 * reference, and returns the flags as they were. [executor] */
uint32_t task_finish(struct trale_task *task, struct task_pool *pool, int64_t result);

/* Whether the result is there; if so, it may be read. */
static inline bool task_is_finished(const struct trale_task *task)
{
    return (atomic_load_explicit(&task->shared, memory_order_acquire) & TASK_FINISHED) != 0;
}

/* Sleeps until the task is finished. */
void task_wait(struct trale_task *task);

/* Puts a future on the ring of those that wait here, or takes it off, if the task is not finished. [executor] */
void task_await_here(struct trale_task *task, struct trale_join_future *join);
void task_forget_here(struct trale_task *task, struct trale_join_future *join);

/* The same for a future that is polled elsewhere, whose waker is a clone that the task gives back when it wakes. False:
 * the task has finished, and the future is not on the ring; its waker is the caller's, or has been woken. [any] */
bool task_await_elsewhere(struct trale_task *task, struct trale_join_future *join);
bool task_forget_elsewhere(struct trale_task *task, struct trale_join_future *join);

#endif
