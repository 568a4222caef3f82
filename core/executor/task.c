/* SPDX-License-Identifier: MIT */
#include "core/executor/task.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/futex.h"

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Of the head of a future that has not begun, only these two members can be set. Reading all of it would be slow: the
 * caller has just written it in smaller pieces than memcpy(3) reads, and the processor would wait for them. */
static struct trale_future *task_copy_frame(struct trale_task *task, const struct trale_future *future, size_t size)
{
    struct trale_future *head = (struct trale_future *)(void *)task->frame;
    *head = (struct trale_future){.type = future->type, .awaiting = future->awaiting};
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
    /* Set one by one: clearing the whole struct would cost more than all the rest. */
    task->waker.table = table;
    task->executor = executor;
    task->id = 0;
    task->state = TASK_DONE;
    task->size_class = size_class;
    task->driver = false;
    task->joins_here = task->joins_elsewhere = NULL;
    task->n_polls = task->n_wakes = task->poll_ns = 0;
    task->node = (struct trale_link){NULL, NULL};
    atomic_init(&task->name, future->type->name);
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

/* --- references --------------------------------------------------------------------------------------------------- */

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
    /* The holder of the only reference is alone: no other can be made, and no atomic subtraction is needed. */
    if (shared / TASK_REFERENCE > 1)
        shared = atomic_fetch_sub_explicit(&task->shared, TASK_REFERENCE, memory_order_acq_rel);
    if (shared / TASK_REFERENCE == 1)
        task_free(task, pool);
}

/* --- the futures that wait for the result ------------------------------------------------------------------------- */

static struct trale_join_future *ring_first(struct trale_link *ring)
{
    return list_entry(ring, struct trale_join_future, link);
}

static void ring_append(struct trale_link **ring, struct trale_link *link)
{
    if (*ring == NULL) {
        list_init(link);
        *ring = link;
    } else {
        list_append(*ring, link);
    }
}

/* False: the link is on no ring any more. */
static bool ring_remove(struct trale_link **ring, struct trale_link *link)
{
    if (!list_has(link))
        return false;
    if (*ring == link)
        *ring = link->next != link ? link->next : NULL;
    list_remove(link);
    return true;
}

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
        struct trale_join_future *join = ring_first(ring);
        ring_remove(&ring, &join->link);
        join->waker->table->wake_by_ref(join->waker);
    }
}

/* Sets TASK_LOCKED and the flags, and returns the flags as they were. */
static uint32_t task_lock(struct trale_task *task, uint32_t flags)
{
    for (;;) {
        uint32_t shared = atomic_fetch_or_explicit(&task->shared, TASK_LOCKED | flags, memory_order_acq_rel);
        if ((shared & TASK_LOCKED) == 0)
            return shared;
        shared = atomic_fetch_or_explicit(&task->shared, TASK_BLOCKED, memory_order_relaxed) | TASK_BLOCKED;
        if ((shared & TASK_LOCKED) != 0)
            futex_wait(&task->shared, shared);
    }
}

static void task_unlock(struct trale_task *task)
{
    uint32_t shared = atomic_fetch_and_explicit(&task->shared, ~TASK_LOCKED, memory_order_acq_rel);
    if ((shared & TASK_BLOCKED) != 0)
        futex_wake_all(&task->shared);
}

bool task_await_elsewhere(struct trale_task *task, struct trale_join_future *join)
{
    bool is_finished = (task_lock(task, TASK_AWAITED) & TASK_FINISHED) != 0;
    if (!is_finished)
        ring_append(&task->joins_elsewhere, &join->link);
    task_unlock(task);
    return !is_finished;
}

bool task_forget_elsewhere(struct trale_task *task, struct trale_join_future *join)
{
    task_lock(task, 0);
    bool was_waiting = ring_remove(&task->joins_elsewhere, &join->link);
    task_unlock(task);
    return was_waiting;
}

/* The task is FINISHED, so no future comes any more. Off the ring, a future is no longer touched. */
static void task_wake_elsewhere(struct trale_task *task)
{
    for (const struct trale_waker *waker;; waker->table->wake(waker)) {
        task_lock(task, 0);
        struct trale_link *ring = task->joins_elsewhere;
        waker = ring != NULL ? ring_first(ring)->waker : NULL;
        if (ring != NULL)
            ring_remove(&task->joins_elsewhere, ring);
        task_unlock(task);
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
    return (shared & (TASK_INJECTED | TASK_AWAITED | TASK_BLOCKED)) == 0 && shared < TASK_REFERENCES_MAX &&
           atomic_compare_exchange_strong_explicit(&task->shared, &shared, (shared | TASK_FINISHED) - TASK_REFERENCE,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

uint32_t task_finish(struct trale_task *task, struct task_pool *pool, int64_t result)
{
    /* Each of these futures has a handle, and is dropped on this thread alone: they outlive the end of the task. */
    struct trale_link *here = task->joins_here;
    uint32_t old = 0;
    task->joins_here = NULL;
    task->result = result;
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
