/* SPDX-License-Identifier: MIT
 *
 * Awaiting a task: the future of its result. Any number of these futures may wait for one task, each with a handle. */
#include <errno.h>

#include "core/executor/executor.h"

enum join_state {
    JOIN_IDLE,            /* On no ring of the task: not polled yet, or resolved. */
    JOIN_WAITS_HERE,      /* Polled on the task's own executor thread. On `joins_here` until the task is finished; the
                             waker is lent by the last poll. */
    JOIN_WAITS_ELSEWHERE, /* Polled by another executor. Kept aside (aside.h) until the task is finished; the waker is a
                             clone, which the task gives back when it wakes. */
};

static int64_t join_take(struct trale_join_future *join)
{
    int64_t result = *task_result(join->task);
    join->state = JOIN_IDLE;
    task_release(join->task, executor_pool_here(join->task));
    return result;
}

/* False: the task has finished, and wakes. */
static bool join_retract(struct trale_join_future *join)
{
    if (!task_forget_elsewhere(join->task, join))
        return false;
    join->waker->table->drop(join->waker);
    join->state = JOIN_IDLE;
    return true;
}

static int64_t join_wait_here(struct trale_join_future *join, const struct trale_waker *waker)
{
    join->waker = waker;
    if (join->state == JOIN_IDLE)
        task_await_here(join->task, join);
    join->state = JOIN_WAITS_HERE;
    return TRALE_PENDING;
}

static int64_t join_wait_elsewhere(struct trale_join_future *join, const struct trale_waker *waker)
{
    if (join->state == JOIN_WAITS_ELSEWHERE && join->waker == waker)
        return TRALE_PENDING;
    if (join->state == JOIN_WAITS_ELSEWHERE && !join_retract(join))
        return join_take(join);
    join->waker = waker->table->clone(waker);
    join->state = JOIN_WAITS_ELSEWHERE;
    if (task_await_elsewhere(join->task, join))
        return TRALE_PENDING;
    join->waker->table->drop(join->waker);
    return join_take(join);
}

static int64_t join_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_join_future *join = (struct trale_join_future *)(void *)future;
    if (join->task == NULL)
        return -ENOMEM;
    if (task_is_finished(join->task)) {
        if (join->state == JOIN_WAITS_ELSEWHERE)
            join_retract(join);
        return trale_context_may_resolve(context) ? join_take(join) : TRALE_PENDING;
    }
    if (executor_has_here(join->task))
        return join_wait_here(join, context->waker);
    return join_wait_elsewhere(join, context->waker);
}

static void join_drop(struct trale_future *future)
{
    struct trale_join_future *join = (struct trale_join_future *)(void *)future;
    if (join->task == NULL)
        return;
    if (join->state == JOIN_WAITS_ELSEWHERE)
        join_retract(join);
    else if (join->state == JOIN_WAITS_HERE && !task_is_finished(join->task))
        task_forget_here(join->task, join);
    task_release(join->task, executor_pool_here(join->task));
}

static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_join_future", join_poll, join_drop};

const struct trale_task *join_look(const struct trale_future *future)
{
    return future->type == &type ? ((const struct trale_join_future *)(const void *)future)->task : NULL;
}

struct trale_future *trale_join_future(struct trale_join_future *join, struct trale_task *task)
{
    *join = (struct trale_join_future){.future = {.type = &type}, .task = task};
    return &join->future;
}
