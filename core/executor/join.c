/* SPDX-License-Identifier: MIT
 *
 * Awaiting a task: the future of its result. */
#include <errno.h>

#include "core/executor/executor.h"

/* On the task's own executor thread no two sides can meet: `awaited_here` lends it the joiner's waker, for as long as
 * the future waits. Elsewhere it is given a clone, and TASK_AWAITED says whose that is. */
static bool join_is_here(const struct trale_join_future *joined)
{
    return executor_is_here(joined->task->executor);
}

static int64_t join_take(struct trale_join_future *joined)
{
    int64_t result = joined->task->result;
    task_release(joined->task, executor_pool_here(joined->task->executor));
    return result;
}

/* Takes the joiner's waker back; false if the task has finished and uses it. */
static bool join_retract(struct trale_join_future *joined)
{
    uint32_t old = atomic_fetch_and_explicit(&joined->task->shared, ~TASK_AWAITED, memory_order_acq_rel);
    if ((old & TASK_FINISHED) != 0)
        return false;
    joined->waker->table->drop(joined->waker);
    joined->waker = NULL;
    return true;
}

static int64_t join_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_join_future *joined = (struct trale_join_future *)(void *)future;
    struct trale_task *task = joined->task;
    if (task == NULL)
        return -ENOMEM;
    if (task_is_finished(task))
        return trale_context_may_resolve(context) ? join_take(joined) : TRALE_PENDING;
    if (join_is_here(joined)) {
        task->joiner = context->waker;
        task->awaited_here = true;
        return TRALE_PENDING;
    }
    if (joined->waker == context->waker)
        return TRALE_PENDING;
    if (joined->waker != NULL && !join_retract(joined))
        return join_take(joined);
    const struct trale_waker *waker = context->waker->table->clone(context->waker);
    task->joiner = joined->waker = waker;
    uint32_t old = atomic_fetch_or_explicit(&task->shared, TASK_AWAITED, memory_order_acq_rel);
    if ((old & TASK_FINISHED) == 0)
        return TRALE_PENDING;
    waker->table->drop(waker);
    return join_take(joined);
}

static void join_drop(struct trale_future *future)
{
    struct trale_join_future *joined = (struct trale_join_future *)(void *)future;
    if (joined->task == NULL)
        return;
    if (joined->waker != NULL)
        join_retract(joined);
    else if (join_is_here(joined))
        joined->task->awaited_here = false;
    task_release(joined->task, executor_pool_here(joined->task->executor));
}

struct trale_future *trale_join_future(struct trale_join_future *joined, struct trale_task *task)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_join_future", join_poll, join_drop};
    *joined = (struct trale_join_future){.future = {.type = &type}, .task = task};
    return &joined->future;
}
