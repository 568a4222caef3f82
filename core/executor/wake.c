/* SPDX-License-Identifier: MIT
 *
 * Wakers. All queues belong to the executor thread, so waking on that thread moves a list node. Any other thread sets
 * TASK_INJECTED on the task and pushes it on the injection (inject.h); the executor takes it from there and wakes it as
 * its own. A task that is marked and not pushed yet when it finishes is counted in n_late. */
#include "core/executor/executor.h"

#include <errno.h>
#include <stdlib.h>

#include <trale/observer.h>

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

static void executor_inject(struct trale_task *task, uint32_t flags)
{
    uint32_t old = atomic_fetch_or_explicit(&task->shared, TASK_INJECTED | flags, memory_order_acq_rel);
    if ((old & (TASK_INJECTED | TASK_FINISHED)) != 0)
        return;
    task_reference(task);
    /* Never refused: the executor does not close its injection while a task of its own is marked and not pushed. */
    injection_push(&task_executor(task)->injection, task);
}

static const struct trale_waker *waker_clone(const struct trale_waker *waker)
{
    task_reference((struct trale_task *)(uintptr_t)waker);
    return waker;
}

static void waker_wake_by_ref(const struct trale_waker *waker)
{
    struct trale_task *task = (struct trale_task *)(uintptr_t)waker;
    struct executor *here = executor_on_thread;
    if (here != NULL && here->unheard_home == task_home(task))
        executor_wake(here, task);
    else if (here != NULL && here->home == task_home(task))
        executor_wake_here(here, task);
    else
        executor_inject(task, 0);
}

static void waker_drop(const struct trale_waker *waker)
{
    struct trale_task *task = (struct trale_task *)(uintptr_t)waker;
    task_release(task, executor_pool_here(task));
}

static void waker_wake(const struct trale_waker *waker)
{
    waker_wake_by_ref(waker);
    waker_drop(waker);
}

bool waker_is_task(const struct trale_waker *waker)
{
    return waker->table->wake == waker_wake;
}

/* --- homes -------------------------------------------------------------------------------------------------------- */

/* Homes are never freed, for a waker may be used at any time; the next executors get them. No lock, which a child of
 * fork(2) might find locked. */
static struct executor_home *_Atomic free_homes;

void executor_home_give(struct executor_home *home)
{
    home->next = atomic_load(&free_homes);
    while (!atomic_compare_exchange_weak(&free_homes, &home->next, home))
        ;
}

/* Takes all of them and gives the others back, so that none of them can be taken and given between two looks. */
struct executor_home *executor_home_take(struct executor *executor)
{
    struct executor_home *home = atomic_exchange(&free_homes, NULL);
    for (struct executor_home *other = home != NULL ? home->next : NULL, *next; other != NULL; other = next) {
        next = other->next;
        executor_home_give(other);
    }
    if (home == NULL) {
        home = malloc(sizeof *home);
        if (home == NULL)
            return NULL;
        home->table = (struct trale_waker_table){waker_clone, waker_wake, waker_wake_by_ref, waker_drop};
    }
    home->executor = executor;
    return home;
}

/* --- aborting ----------------------------------------------------------------------------------------------------- */

void executor_abort(struct trale_task *task)
{
    if (!executor_has_here(task)) {
        executor_inject(task, TASK_ABORTED);
        return;
    }
    atomic_fetch_or_explicit(&task->shared, TASK_ABORTED, memory_order_relaxed);
    executor_wake_here(executor_on_thread, task);
}

/* A task that has not been taken in yet is DONE as well, and is not counted. */
static void executor_put_in_background(struct executor *executor, struct trale_task *task)
{
    if (task->role != TASK_COUNTED || task->state == TASK_DONE)
        return;
    task->role = TASK_IN_BACKGROUND;
    executor_discount(executor);
}

void executor_background(struct trale_task *task)
{
    if (!executor_has_here(task)) {
        executor_inject(task, TASK_BACKGROUND);
        return;
    }
    atomic_fetch_or_explicit(&task->shared, TASK_BACKGROUND, memory_order_relaxed);
    executor_put_in_background(executor_on_thread, task);
}

/* --- taking in ---------------------------------------------------------------------------------------------------- */

static void executor_take_in(struct executor *executor, struct trale_task *task)
{
    uint32_t shared = atomic_fetch_and_explicit(&task->shared, ~TASK_INJECTED, memory_order_acq_rel);
    if ((shared & TASK_FINISHED) != 0) {
        executor->n_late--;
    } else if (task_id(task) == 0) {
        executor_adopt(executor, task);
        HOOKS_CALL(executor->hooks, spawned, task, NULL);
    } else if (executor->hooks == NULL) {
        executor_wake(executor, task);
    } else {
        executor_wake_heard(executor, task, NULL, TRALE_WOKEN_BY_THREAD);
    }
    if ((shared & TASK_BACKGROUND) != 0)
        executor_put_in_background(executor, task);
    task_release(task, &executor->task_pool);
}

void executor_drain(struct executor *executor)
{
    for (struct trale_task *task = injection_take(&executor->injection), *next; task != NULL; task = next) {
        next = task->next_injected;
        executor_take_in(executor, task);
    }
}

void executor_forget_since(struct executor *executor, uintptr_t mark)
{
    struct trale_task *task = injection_take_since(&executor->injection, mark);
    for (struct trale_task *next; (uintptr_t)task != mark; task = next) {
        next = task->next_injected;
        atomic_fetch_and_explicit(&task->shared, ~TASK_INJECTED, memory_order_relaxed);
        task_finish(task, NULL, -ECANCELED);
        task_release(task, NULL);
    }
}
