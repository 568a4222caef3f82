/* SPDX-License-Identifier: MIT */
#include "core/executor/task.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/futex.h"
#include "core/executor/aside.h"

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Of the head of a future that has not begun, only these three members can be set. Reading all of it would be slow: the
 * caller has just written it in smaller pieces than memcpy(3) reads, and the processor would wait for them. */
static void task_copy_frame(struct trale_future *head, const struct trale_future *future, size_t size)
{
    *head = (struct trale_future){.type = future->type, .awaiting = future->awaiting, .own = future->own};
    if (size > sizeof *head)
        memcpy(head + 1, future + 1, size - sizeof *head);
}

/* A task with `size` bytes behind it, which has no future yet. */
static inline struct trale_task *task_make(struct task_pool *pool, const struct executor_home *home, size_t size,
                                           uint8_t place)
{
    size += sizeof(struct trale_task);
    uint8_t size_class = pool != NULL ? task_pool_class(size) : 0;
    struct trale_task *task = size_class != 0 ? task_pool_get(pool, size_class) : malloc(size);
    if (task == NULL)
        return NULL;
    /* Set one by one: clearing the whole struct would cost more than all the rest. */
    task->waker.table = &home->table;
    task->state = TASK_DONE;
    task->place = place;
    task->role = TASK_COUNTED;
    atomic_init(&task->priority, TRALE_PRIORITY_NORMAL);
    atomic_init(&task->shared, 2 * TASK_REFERENCE);
    task->n_polls = task->n_wakes = 0;
    task_set_id(task, 0);
    task->is_pooled = size_class != 0;
    task->joins_here = NULL;
    return task;
}

/* A task that borrows its future or is measured. */
static struct trale_task *task_new_placed(struct task_pool *pool, const struct executor_home *home,
                                          const struct trale_future *future, size_t size, uint8_t place)
{
    size_t head = (place & TASK_MEASURED) != 0 ? sizeof(max_align_t) : 0;
    size_t rest = size > 0 ? size : sizeof(struct task_loan);
    struct trale_task *task = task_make(pool, home, head + rest, place | (size > 0 ? 0 : TASK_BORROWS));
    if (task == NULL)
        return NULL;
    if (task_poll_ns(task) != NULL)
        *task_poll_ns(task) = 0;
    if (size > 0)
        task_copy_frame(task_behind(task), future, size);
    else
        ((struct task_loan *)task_behind(task))->future = (struct trale_future *)(uintptr_t)future;
    return task;
}

struct trale_task *task_new(struct task_pool *pool, const struct executor_home *home, const struct trale_future *future,
                            size_t size, uint8_t place)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    if (size == 0 || place != 0)
        return task_new_placed(pool, home, future, size, place);
    struct trale_task *task = task_make(pool, home, size, 0);
    if (task != NULL)
        task_copy_frame((struct trale_future *)(void *)task->frame, future, size);
    return task;
}

static void task_free(struct trale_task *task, struct task_pool *pool)
{
    if ((atomic_load_explicit(&task->shared, memory_order_relaxed) & TASK_NAMED) != 0)
        aside_forget_name(task);
    if (!task->is_pooled)
        free(task);
    else if (pool != NULL)
        task_pool_put(pool, task);
    else
        task_pool_return(task);
}

const char *task_name(const struct trale_task *task)
{
    if ((atomic_load_explicit(&task->shared, memory_order_acquire) & TASK_NAMED) != 0)
        return aside_name(task);
    return __atomic_load_n(&task_future(task)->type, __ATOMIC_RELAXED)->name;
}

void task_set_name(struct trale_task *task, const char *name)
{
    if (aside_set_name(task, name))
        atomic_fetch_or_explicit(&task->shared, TASK_NAMED, memory_order_release);
}

/* --- references --------------------------------------------------------------------------------------------------- */

void task_reference(struct trale_task *task)
{
    uint32_t shared = atomic_load_explicit(&task->shared, memory_order_relaxed);
    if (shared < TASK_REFERENCES_MAX)
        atomic_fetch_add_explicit(&task->shared, TASK_REFERENCE, memory_order_relaxed);
    else if ((shared & TASK_UNCOUNTED) == 0)
        atomic_fetch_or_explicit(&task->shared, TASK_UNCOUNTED, memory_order_relaxed);
}

void task_release(struct trale_task *task, struct task_pool *pool)
{
    uint32_t shared = atomic_load_explicit(&task->shared, memory_order_acquire);
    if ((shared & TASK_UNCOUNTED) != 0)
        return;
    /* The holder of the only reference is alone: no other can be made, and no atomic subtraction is needed. */
    if (shared / TASK_REFERENCE > 1)
        shared = atomic_fetch_sub_explicit(&task->shared, TASK_REFERENCE, memory_order_acq_rel);
    if (shared / TASK_REFERENCE == 1)
        task_free(task, pool);
}

/* --- the futures that wait for the result ------------------------------------------------------------------------- */

void task_await_here(struct trale_task *task, struct trale_join_future *join)
{
    ring_append(&task->joins_here, &join->link);
}

void task_forget_here(struct trale_task *task, struct trale_join_future *join)
{
    ring_remove(&task->joins_here, &join->link);
}

static void task_wake_here(struct trale_link *ring)
{
    while (ring != NULL) {
        struct trale_join_future *join = list_entry(ring, struct trale_join_future, link);
        ring_remove(&ring, &join->link);
        join->waker->table->wake_by_ref(join->waker);
    }
}

bool task_await_elsewhere(struct trale_task *task, struct trale_join_future *join)
{
    struct aside *aside = aside_lock(task);
    uint32_t shared = atomic_fetch_or_explicit(&task->shared, TASK_AWAITED, memory_order_acq_rel);
    bool is_finished = (shared & TASK_FINISHED) != 0;
    if (!is_finished)
        ring_append(&aside->joins, &join->link);
    aside_unlock(aside);
    return !is_finished;
}

bool task_forget_elsewhere(struct trale_task *task, struct trale_join_future *join)
{
    struct aside *aside = aside_lock(task);
    bool was_waiting = ring_remove(&aside->joins, &join->link);
    aside_unlock(aside);
    return was_waiting;
}

/* The task is FINISHED, so no future comes any more. One that was taken out is no longer touched. */
static void task_wake_elsewhere(struct trale_task *task)
{
    for (const struct trale_waker *waker;; waker->table->wake(waker)) {
        struct aside *aside = aside_lock(task);
        struct trale_join_future *join = aside_find_join(aside, task);
        waker = join != NULL ? join->waker : NULL;
        if (join != NULL)
            ring_remove(&aside->joins, &join->link);
        aside_unlock(aside);
        if (waker == NULL)
            return;
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* The end of a task that no other thread waits for and that is not in its injection: in one step, or not at all. If the
 * executor, or the executor and one future that it polls, have the only references, no other thread can meet the task,
 * and nothing needs to be atomic. */
static bool task_finish_alone(struct trale_task *task, struct task_pool *pool, bool is_awaited_here)
{
    uint32_t shared = atomic_load_explicit(&task->shared, memory_order_acquire);
    if (shared / TASK_REFERENCE == 1) {
        task_free(task, pool);
        return true;
    }
    if (is_awaited_here && shared / TASK_REFERENCE == 2) {
        atomic_store_explicit(&task->shared, (shared | TASK_FINISHED) - TASK_REFERENCE, memory_order_relaxed);
        return true;
    }
    return (shared & (TASK_INJECTED | TASK_AWAITED | TASK_BLOCKED | TASK_UNCOUNTED)) == 0 &&
           atomic_compare_exchange_strong_explicit(&task->shared, &shared, (shared | TASK_FINISHED) - TASK_REFERENCE,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

uint32_t task_finish(struct trale_task *task, struct task_pool *pool, int64_t result)
{
    /* Each of these futures has a handle, and is dropped on this thread alone: they outlive the end of the task. */
    struct trale_link *here = task->joins_here;
    uint32_t old = 0;
    task->joins_here = NULL;
    *task_result(task) = result;
    task->state = TASK_DONE;
    if (!task_finish_alone(task, pool, here != NULL)) {
        old = atomic_fetch_or_explicit(&task->shared, TASK_FINISHED, memory_order_acq_rel);
        if ((old & TASK_AWAITED) != 0)
            task_wake_elsewhere(task);
        if ((old & TASK_BLOCKED) != 0)
            futex_wake_all(&task->shared);
        task_release(task, pool);
    }
    task_wake_here(here);
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
