/* SPDX-License-Identifier: MIT */
#include "core/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/executor.h"
#include "core/futex.h"

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* The executor's pool, on its thread; NULL on others. It does not matter if the executor is gone and another one stands
 * in its place: blocks are all alike. */
static struct task_pool *task_pool(const struct executor *executor)
{
    return executor_on_thread != NULL && executor_on_thread == executor ? &executor_on_thread->task_pool : NULL;
}

/* A future that has not begun is its type and what follows the head. The rest of the head is not read: the caller wrote
 * it a moment ago in other pieces than memcpy(3) would read, and the processor would have to wait for that. */
static struct trale_future *task_copy_frame(struct trale_task *task, const struct trale_future *future, size_t size)
{
    struct trale_future *head = (struct trale_future *)(void *)task->frame;
    *head = (struct trale_future){.type = future->type};
    if (size > sizeof *head)
        memcpy(head + 1, future + 1, size - sizeof *head);
    return head;
}

struct trale_task *task_new(struct executor *executor, const struct trale_waker_table *table,
                            const struct trale_future *future, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct trale_task))
        return NULL;
    uint8_t size_class = task_pool_class(sizeof(struct trale_task) + size);
    struct trale_task *task = task_pool_get(task_pool(executor), size_class, sizeof *task + size);
    if (task == NULL)
        return NULL;
    /* One by one: to clear it all would cost more than the rest. */
    task->waker.table = table;
    task->executor = executor;
    task->id = 0;
    task->state = TASK_DONE;
    task->size_class = size_class;
    task->driver = task->awaited_here = false;
    task->n_polls = task->n_wakes = task->poll_ns = 0;
    list_init(&task->node);
    atomic_init(&task->priority, TRALE_PRIORITY_NORMAL);
    atomic_init(&task->shared, 2 * TASK_REFERENCE);
    if (size > 0)
        task->future = task_copy_frame(task, future, size);
    else
        task->future = (struct trale_future *)(uintptr_t)future;
    return task;
}

static void task_free(struct trale_task *task)
{
    struct task_pool *pool = task_pool(task->executor);
    if (pool != NULL)
        task_pool_put(pool, task->size_class, task);
    else
        free(task);
}

/* --- references and the end --------------------------------------------------------------------------------------- */

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
        task_free(task);
}

/* The end of a task that no other thread waits for and that is not in its injection: in one step, or not at all. Where
 * nobody else has a reference, or nobody but a future on this thread, no other thread can meet it, and nothing needs to
 * be atomic. */
static bool task_finish_alone(struct trale_task *task)
{
    uint32_t shared = atomic_load_explicit(&task->shared, memory_order_acquire);
    if (shared / TASK_REFERENCE == 1) {
        task_free(task);
        return true;
    }
    if (task->awaited_here && shared / TASK_REFERENCE == 2) {
        atomic_store_explicit(&task->shared, (shared | TASK_FINISHED) - TASK_REFERENCE, memory_order_relaxed);
        return true;
    }
    return (shared & (TASK_INJECTED | TASK_AWAITED | TASK_BLOCKED)) == 0 && shared < TASK_REFERENCES_MAX &&
           atomic_compare_exchange_strong_explicit(&task->shared, &shared, (shared | TASK_FINISHED) - TASK_REFERENCE,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

uint32_t task_finish(struct trale_task *task, int64_t result)
{
    const struct trale_waker *here = task->awaited_here ? task->joiner : NULL;
    uint32_t old = 0;
    task->result = result;
    task->state = TASK_DONE;
    if (!task_finish_alone(task)) {
        old = atomic_fetch_or_explicit(&task->shared, TASK_FINISHED, memory_order_acq_rel);
        if ((old & TASK_AWAITED) != 0)
            task->joiner->table->wake(task->joiner);
        if ((old & TASK_BLOCKED) != 0)
            futex_wake_all(&task->shared);
        task_release(task);
    }
    if (here != NULL)
        here->table->wake_by_ref(here);
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

/* --- awaiting a task ---------------------------------------------------------------------------------------------- */

/* On the task's own executor thread no two sides can meet: `awaited_here` lends it the joiner's waker, for as long as
 * the future waits. Elsewhere it is given a clone, and TASK_AWAITED says whose that is. */
static bool joined_is_here(const struct trale_joined *joined)
{
    return executor_on_thread != NULL && executor_on_thread == joined->task->executor;
}

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
    if (joined_is_here(joined)) {
        task->joiner = context->waker;
        task->awaited_here = true;
        return TRALE_PENDING;
    }
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
    else if (joined_is_here(joined))
        joined->task->awaited_here = false;
    task_release(joined->task);
}

struct trale_future *trale_joined(struct trale_joined *joined, struct trale_task *task)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_joined", joined_poll, joined_drop};
    *joined = (struct trale_joined){.future = {.type = &type}, .task = task};
    return &joined->future;
}
