/* SPDX-License-Identifier: MIT
 *
 * Which runtimes wait for each other: a thread that polls tasks and blocks on another executor holds up its own. Each
 * such wait is registered while it lasts, so that the one which would close a cycle is refused. */
#ifndef CORE_EXECUTOR_BLOCK_H
#define CORE_EXECUTOR_BLOCK_H

#include "core/executor/executor.h"

/* A wait of this thread, on its stack. */
struct block {
    struct trale_link link; /* in the list of all, if is_registered */
    bool is_registered;
    bool is_seen;                  /* by the search that is under way */
    const struct executor *inner;  /* the executor that this thread runs, and by `outer` those that it runs as well */
    const void *owner;             /* of this thread (thread.h) */
    const struct executor *target; /* what it waits for: */
    bool closes;                   /* the end of the target, or */
    _Atomic(const struct trale_task *) task; /* a task of the target, NULL as long as that is not spawned */
};

/* To be called before this thread waits for a task of `target`, or (closes) for its end. 0; or an error, and nothing is
 * registered: -EDEADLK, what is waited for waits for this thread, directly or by way of other executors; -ECHILD, the
 * target is of a process that has forked this one. */
int block_enter(struct block *block, const struct executor *target, bool closes, const struct trale_task *task);

/* Names the task, where block_enter came before it was spawned. */
static inline void block_set_task(struct block *block, const struct trale_task *task)
{
    atomic_store_explicit(&block->task, task, memory_order_release);
}

/* When the wait is over, before the caller gives up the task. */
void block_leave(struct block *block);

#endif
