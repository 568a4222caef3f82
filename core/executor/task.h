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

enum task_role {
    TASK_COUNTED,       /* An application's, for which trale_run waits. Left by trale_background. */
    TASK_IN_BACKGROUND, /* The same after trale_background, once the executor knows of it. Never left. */
    TASK_OF_DRIVER,     /* A driver's own. Never left. */
    TASK_OF_CALL,       /* A call from outside, such as trale_run: trale_tasks does not show it. Never left. */
};

/* The flags in `shared`. All but INJECTED are never cleared. */
#define TASK_FINISHED 1u /* The result is there. Set by the executor. */
#define TASK_INJECTED 2u /* On its way to the executor from another thread: set by the thread that pushes it, once. */
#define TASK_ABORTED 4u  /* trale_abort was called. */
#define TASK_AWAITED 8u  /* A future that is polled elsewhere waits or has waited for the result (aside.h). */
#define TASK_BLOCKED 16u /* A thread sleeps on this word until the task is FINISHED. */
#define TASK_POLLED 32u  /* Always: there is no executor thread, trale_join has to poll. */
#define TASK_NAMED 64u   /* trale_task_set_name was called: the name is kept aside (aside.h). */
#define TASK_BACKGROUND 128u /* trale_background was called. */
#define TASK_REFERENCE 256u
/* From this count on, the next reference sets the flag instead of being counted, and no reference is counted any more:
 * the task is leaked, and never freed while it is in use. What other threads are adding or subtracting at that moment
 * changes the count below the flag, and not the flag. */
#define TASK_REFERENCES_MAX (1u << 30)
#define TASK_UNCOUNTED (1u << 31)

/* What follows the task in memory. 0: its future, a copy. */
#define TASK_BORROWS 1u  /* The future stays where it is: a struct task_loan. */
#define TASK_MEASURED 2u /* The time of its polls is kept behind the task, before the frame. */

struct trale_task {
    struct trale_waker waker; /* first: a waker is its task. The table is that of the executor's home */
    struct trale_link node;   /* on the run-queue or the idle list */
    uint8_t state;            /* enum task_state */
    uint8_t place;            /* TASK_BORROWS, TASK_MEASURED */
    uint8_t role;             /* enum task_role */
    _Atomic uint8_t priority;
    _Atomic uint32_t shared;
    uint32_t n_polls, n_wakes; /* modulo 2^32 */
    uint32_t id_low;           /* see task_id */
    uint16_t id_high;
    bool is_pooled;                /* its memory is of the pool, not of malloc(3) */
    struct trale_link *joins_here; /* the futures on this executor that wait for the result: a ring (task.c), or NULL */
    struct trale_task *next_injected;
    _Alignas(max_align_t) char frame[];
};
_Static_assert(sizeof(struct trale_task) == 64, "what a task costs beside its frame");

/* In place of a frame. */
struct task_loan {
    struct trale_future *future;
    int64_t result;
};

/* Where the wakers of an executor's tasks lead. It outlives the executor, for wakers and handles may. */
struct executor_home {
    struct trale_waker_table table; /* first: it is what a task knows of its executor */
    struct task_returns returns;    /* of the executor's pool */
    struct executor *executor;  /* alive as long as one of its tasks is not FINISHED or has not left the injection */
    struct executor_home *next; /* among those that no executor has */
};

static inline const struct executor_home *task_home(const struct trale_task *task)
{
    return (const struct executor_home *)(const void *)task->waker.table;
}

/* Counts from 1 in each executor; 0: the task is not there yet. 48 bits last for nine years of a million a second. */
static inline uint64_t task_id(const struct trale_task *task)
{
    return (uint64_t)task->id_high << 32 | task->id_low;
}

static inline void task_set_id(struct trale_task *task, uint64_t id)
{
    task->id_low = (uint32_t)id;
    task->id_high = (uint16_t)(id >> 32);
}

static inline struct executor *task_executor(const struct trale_task *task)
{
    return task_home(task)->executor;
}

/* What follows the task: the frame or a struct task_loan. */
static inline void *task_behind(const struct trale_task *task)
{
    size_t offset = (task->place & TASK_MEASURED) != 0 ? sizeof(max_align_t) : 0;
    return (void *)(uintptr_t)(task->frame + offset);
}

/* Its future; when the task is done, only that of a task that does not borrow is there. */
static inline struct trale_future *task_future(const struct trale_task *task)
{
    if (task->place == 0)
        return (struct trale_future *)(uintptr_t)task->frame;
    if ((task->place & TASK_BORROWS) != 0)
        return ((struct task_loan *)task_behind(task))->future;
    return task_behind(task);
}

/* The result, once the task is FINISHED. It is kept in the frame, which is needed no more. */
static inline int64_t *task_result(const struct trale_task *task)
{
    if (task->place == 0)
        return &((struct trale_future *)(uintptr_t)task->frame)->result;
    if ((task->place & TASK_BORROWS) != 0)
        return &((struct task_loan *)task_behind(task))->result;
    return &((struct trale_future *)task_behind(task))->result;
}

/* How long its polls took; NULL if that is not measured. */
static inline uint64_t *task_poll_ns(const struct trale_task *task)
{
    return (task->place & TASK_MEASURED) != 0 ? (uint64_t *)(uintptr_t)task->frame : NULL;
}

/* The name that trale_task_set_name has set, or that of its future. [any, with a handle; executor] */
const char *task_name(const struct trale_task *task);

/* Gives it a name, unless memory is out. [any, with a handle] */
void task_set_name(struct trale_task *task, const char *name);

/* Makes a task for a copy of the frame, or (size 0) for a future that stays where it is. It has two references: the
 * executor's and the handle's. `pool` is the executor's on its own thread, NULL on others. `place` is TASK_MEASURED or
 * 0. NULL when memory is out. [any] */
struct trale_task *task_new(struct task_pool *pool, const struct executor_home *home, const struct trale_future *future,
                            size_t size, uint8_t place);

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
