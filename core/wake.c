/* SPDX-License-Identifier: MIT
 *
 * All queues belong to the executor thread, so waking on that thread is a matter of moving a list node. Any other
 * thread sets TASK_INJECTED on the task and pushes it on a stack, `injected`; the executor takes the whole stack at
 * once, turns it over, so that first come is first served, and wakes each task as its own.
 *
 * Before it sleeps, the executor swaps the empty stack for INJECTED_ASLEEP. Whoever pushes on that owes it one
 * interrupt, and everybody else owes nothing and touches nothing after the push. So no wake is lost, waking a busy
 * executor costs no system call, and an executor that is taken down knows what is still to come: tasks that were
 * marked but not pushed yet (n_late), and interrupts (n_owed).
 */
#include "core/executor.h"

#include <errno.h>

#define INJECTED_NONE ((uintptr_t)0)
#define INJECTED_ASLEEP ((uintptr_t)1)

_Thread_local struct executor *executor_on_thread;

void executor_queue(struct executor *executor, struct trale_task *task)
{
    list_remove(&task->node);
    run_queue_add(&executor->run_queue, task);
    task->state = TASK_QUEUED;
}

void executor_wake(struct executor *executor, struct trale_task *task)
{
    task->n_wakes++;
    switch ((enum task_state)task->state) {
    case TASK_IDLE:
        executor_queue(executor, task);
        break;
    case TASK_RUNNING:
        task->state = TASK_WOKEN;
        break;
    case TASK_QUEUED:
    case TASK_WOKEN:
    case TASK_DONE:
        break;
    }
}

void executor_push(struct executor *executor, struct trale_task *task)
{
    uintptr_t top = atomic_load_explicit(&executor->injected, memory_order_relaxed);
    do {
        task->next_injected = top == INJECTED_ASLEEP ? NULL : (struct trale_task *)top;
    } while (!atomic_compare_exchange_weak_explicit(&executor->injected, &top, (uintptr_t)task, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (top == INJECTED_ASLEEP)
        executor->park.interrupt(executor->park.data);
}

static void executor_inject(struct trale_task *task, uint32_t flags)
{
    uint32_t old = atomic_fetch_or_explicit(&task->shared, TASK_INJECTED | flags, memory_order_acq_rel);
    if ((old & (TASK_INJECTED | TASK_FINISHED)) != 0)
        return;
    task_reference(task);
    executor_push(task->executor, task);
}

static const struct trale_waker *waker_clone(const struct trale_waker *waker)
{
    task_reference((struct trale_task *)(uintptr_t)waker);
    return waker;
}

static void waker_wake_by_ref(const struct trale_waker *waker)
{
    struct trale_task *task = (struct trale_task *)(uintptr_t)waker;
    if (executor_on_thread != NULL && executor_on_thread == task->executor)
        executor_wake(executor_on_thread, task);
    else
        executor_inject(task, 0);
}

static void waker_drop(const struct trale_waker *waker)
{
    task_release((struct trale_task *)(uintptr_t)waker);
}

static void waker_wake(const struct trale_waker *waker)
{
    waker_wake_by_ref(waker);
    waker_drop(waker);
}

const struct trale_waker_table executor_waker_table = {waker_clone, waker_wake, waker_wake_by_ref, waker_drop};

void executor_abort(struct trale_task *task)
{
    if (executor_on_thread == NULL || executor_on_thread != task->executor) {
        executor_inject(task, TASK_ABORTED);
        return;
    }
    atomic_fetch_or_explicit(&task->shared, TASK_ABORTED, memory_order_relaxed);
    executor_wake(executor_on_thread, task);
}

/* --- taking in ---------------------------------------------------------------------------------------------------- */

static void executor_take_in(struct executor *executor, struct trale_task *task)
{
    uint32_t shared = atomic_fetch_and_explicit(&task->shared, ~TASK_INJECTED, memory_order_acq_rel);
    if ((shared & TASK_FINISHED) != 0)
        executor->n_late--;
    else if (task->id == 0 && executor->closing)
        executor_refuse(task);
    else if (task->id == 0)
        executor_adopt(executor, task);
    else
        executor_wake(executor, task);
    task_release(task);
}

void executor_drain(struct executor *executor)
{
    if (atomic_load_explicit(&executor->injected, memory_order_relaxed) == INJECTED_NONE)
        return;
    uintptr_t top = atomic_exchange_explicit(&executor->injected, INJECTED_NONE, memory_order_acq_rel);
    struct trale_task *first = NULL;
    for (struct trale_task *task = (struct trale_task *)top, *next; task != NULL; task = next) {
        next = task->next_injected;
        task->next_injected = first;
        first = task;
    }
    for (struct trale_task *task = first, *next; task != NULL; task = next) {
        next = task->next_injected;
        executor_take_in(executor, task);
    }
}

uintptr_t executor_mark(const struct executor *executor)
{
    return atomic_load(&executor->injected);
}

void executor_forget_since(struct executor *executor, uintptr_t mark)
{
    uintptr_t top = atomic_exchange(&executor->injected, mark);
    for (struct trale_task *task = (struct trale_task *)top, *next; (uintptr_t)task != mark; task = next) {
        next = task->next_injected;
        atomic_fetch_and_explicit(&task->shared, ~TASK_INJECTED, memory_order_relaxed);
        task_finish(task, -ECANCELED);
        task_release(task);
    }
}

/* --- sleeping ----------------------------------------------------------------------------------------------------- */

void executor_sleep(struct executor *executor)
{
    uintptr_t expected = INJECTED_NONE;
    if (!atomic_compare_exchange_strong(&executor->injected, &expected, INJECTED_ASLEEP))
        return;
    /* executor_stop sets its flag, then looks for ASLEEP; here it is the other way round: one sees the other. */
    bool may_block = !atomic_load(&executor->stopping);
    executor->n_sleeps++;
    executor->park.wait(executor->park.data, may_block);
    expected = INJECTED_ASLEEP;
    if (!atomic_compare_exchange_strong_explicit(&executor->injected, &expected, INJECTED_NONE, memory_order_acq_rel,
                                                 memory_order_relaxed))
        executor->n_owed++;
}

void executor_stop(struct executor *executor)
{
    uintptr_t expected = INJECTED_ASLEEP;
    atomic_store(&executor->stopping, true);
    if (atomic_compare_exchange_strong(&executor->injected, &expected, INJECTED_NONE))
        executor->park.interrupt(executor->park.data);
}
