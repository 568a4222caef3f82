/* SPDX-License-Identifier: MIT */
#include "core/executor/task.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/futex.h"

/* --- memory ------------------------------------------------------------------------------------------------------- */

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

struct trale_task *task_new(struct task_pool *pool, struct executor *executor, const struct trale_waker_table *table,
                            const struct trale_future *future, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct trale_task))
        return NULL;
    uint8_t size_class = task_pool_class(sizeof(struct trale_task) + size);
    struct trale_task *task = task_pool_get(pool, size_class, sizeof *task + size);
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
    task->node = (struct trale_link){NULL, NULL};
    atomic_init(&task->priority, TRALE_PRIORITY_NORMAL);
    atomic_init(&task->shared, 2 * TASK_REFERENCE);
    if (size > 0)
        task->future = task_copy_frame(task, future, size);
    else
        task->future = (struct trale_future *)(uintptr_t)future;
    return task;
}

static void task_free(struct trale_task *task, struct task_pool *pool)
{
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

void task_release(struct trale_task *task, struct task_pool *pool)
{
    uint32_t shared = atomic_load_explicit(&task->shared, memory_order_acquire);
    if (shared >= TASK_REFERENCES_MAX)
        return;
    /* Who holds the only reference is alone: nobody can make another, and no atomic subtraction is needed. */
    if (shared / TASK_REFERENCE > 1)
        shared = atomic_fetch_sub_explicit(&task->shared, TASK_REFERENCE, memory_order_acq_rel);
    if (shared / TASK_REFERENCE == 1)
        task_free(task, pool);
}

/* The end of a task that no other thread waits for and that is not in its injection: in one step, or not at all. Where
 * nobody else has a reference, or nobody but a future on this thread, no other thread can meet it, and nothing needs to
 * be atomic. */
static bool task_finish_alone(struct trale_task *task, struct task_pool *pool)
{
    uint32_t shared = atomic_load_explicit(&task->shared, memory_order_acquire);
    if (shared / TASK_REFERENCE == 1) {
        task_free(task, pool);
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

uint32_t task_finish(struct trale_task *task, struct task_pool *pool, int64_t result)
{
    const struct trale_waker *here = task->awaited_here ? task->joiner : NULL;
    uint32_t old = 0;
    task->result = result;
    task->state = TASK_DONE;
    if (!task_finish_alone(task, pool)) {
        old = atomic_fetch_or_explicit(&task->shared, TASK_FINISHED, memory_order_acq_rel);
        if ((old & TASK_AWAITED) != 0)
            task->joiner->table->wake(task->joiner);
        if ((old & TASK_BLOCKED) != 0)
            futex_wake_all(&task->shared);
        task_release(task, pool);
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
