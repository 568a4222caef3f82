/* SPDX-License-Identifier: MIT */
#include "core/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/futex.h"

struct trale_task *task_new(struct executor *executor, const struct trale_waker_table *table,
                            const struct trale_future *future, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct trale_task))
        return NULL;
    struct trale_task *task = malloc(sizeof *task + size);
    if (task == NULL)
        return NULL;
    *task = (struct trale_task){.waker = {.table = table}, .executor = executor, .state = TASK_DONE};
    list_init(&task->node);
    atomic_init(&task->shared, 2 * TASK_REFERENCE);
    if (size > 0)
        task->future = memcpy(task->frame, future, size);
    else
        task->future = (struct trale_future *)(uintptr_t)future;
    return task;
}

void task_reference(struct trale_task *task)
{
    if (atomic_load_explicit(&task->shared, memory_order_relaxed) < TASK_REFERENCES_MAX)
        atomic_fetch_add_explicit(&task->shared, TASK_REFERENCE, memory_order_relaxed);
}

void task_release(struct trale_task *task)
{
    uint32_t shared = atomic_load_explicit(&task->shared, memory_order_acquire);
    if (shared >= TASK_REFERENCES_MAX)
        return;
    /* Who holds the only reference is alone: nobody can make another, and no atomic subtraction is needed. */
    if (shared / TASK_REFERENCE > 1)
        shared = atomic_fetch_sub_explicit(&task->shared, TASK_REFERENCE, memory_order_acq_rel);
    if (shared / TASK_REFERENCE == 1)
        free(task);
}

uint32_t task_finish(struct trale_task *task, int64_t result)
{
    task->result = result;
    task->state = TASK_DONE;
    uint32_t old = atomic_fetch_or_explicit(&task->shared, TASK_FINISHED, memory_order_acq_rel);
    if ((old & TASK_AWAITED) != 0)
        task->joiner->table->wake(task->joiner);
    if ((old & TASK_BLOCKED) != 0)
        futex_wake_all(&task->shared);
    return old;
}

void task_wait(struct trale_task *task)
{
    for (;;) {
        uint32_t shared = atomic_fetch_or_explicit(&task->shared, TASK_BLOCKED, memory_order_acq_rel);
        if ((shared & TASK_FINISHED) != 0)
            return;
        futex_wait(&task->shared, shared | TASK_BLOCKED);
    }
}

/* --- awaiting a task: the joiner's side of TASK_AWAITED ----------------------------------------------------------- */

static int64_t joined_take(struct trale_joined *joined)
{
    int64_t result = joined->task->result;
    task_release(joined->task);
    return result;
}

/* Takes the joiner's waker back; false if the task has finished and uses it. */
static bool joined_retract(struct trale_joined *joined)
{
    uint32_t old = atomic_fetch_and_explicit(&joined->task->shared, ~TASK_AWAITED, memory_order_acq_rel);
    if ((old & TASK_FINISHED) != 0)
        return false;
    joined->waker->table->drop(joined->waker);
    joined->waker = NULL;
    return true;
}

static int64_t joined_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_joined *joined = (struct trale_joined *)(void *)future;
    struct trale_task *task = joined->task;
    if (task == NULL)
        return -ENOMEM;
    if (task_is_finished(task))
        return joined_take(joined);
    if (joined->waker == context->waker)
        return TRALE_PENDING;
    if (joined->waker != NULL && !joined_retract(joined))
        return joined_take(joined);
    const struct trale_waker *waker = context->waker->table->clone(context->waker);
    task->joiner = joined->waker = waker;
    uint32_t old = atomic_fetch_or_explicit(&task->shared, TASK_AWAITED, memory_order_acq_rel);
    if ((old & TASK_FINISHED) == 0)
        return TRALE_PENDING;
    waker->table->drop(waker);
    return joined_take(joined);
}

static void joined_drop(struct trale_future *future)
{
    struct trale_joined *joined = (struct trale_joined *)(void *)future;
    if (joined->task == NULL)
        return;
    if (joined->waker != NULL)
        joined_retract(joined);
    task_release(joined->task);
}

struct trale_future *trale_joined(struct trale_joined *joined, struct trale_task *task)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_joined", joined_poll, joined_drop};
    *joined = (struct trale_joined){.future = {.type = &type}, .task = task};
    return &joined->future;
}
