/* SPDX-License-Identifier: MIT
 *
 * What the executor does where polls are timed, or hooks hear of it. */
#include "core/executor/executor.h"

#include <trale/observer.h>

void executor_add_hooks(struct executor *executor, struct hooks *hooks)
{
    struct hooks **end = &executor->hooks;
    while (*end != NULL)
        end = &(*end)->next;
    hooks->next = NULL;
    *end = hooks;
    executor->watches_polls = true;
    if (hooks->woken != NULL)
        executor->unheard_home = NULL;
}

void executor_remove_hooks(struct executor *executor, const struct hooks *hooks)
{
    struct hooks **place = &executor->hooks;
    while (*place != NULL && *place != hooks)
        place = &(*place)->next;
    if (*place != NULL)
        *place = hooks->next;
}

void executor_poll_watched(struct executor *executor, struct trale_task *task)
{
    HOOKS_CALL(executor->hooks, poll_begins, task);
    int64_t result = watchdog_poll(executor->watchdog, task, &executor->context);
    executor->running = NULL;
    HOOKS_CALL(executor->hooks, poll_ends, task, result);
    if (result == TRALE_PENDING)
        executor_put_back(executor, task);
    else
        executor_finish_heard(executor, task, result);
}

/* The task is kept until hooks have heard that it wakes others, and that it has ended. A future that it borrows may be
 * gone as soon as the result is there; its name is still asked for. */
void executor_finish_heard(struct executor *executor, struct trale_task *task, int64_t result)
{
    struct trale_future gone = {.type = task_future(task)->type};
    if ((task->place & TASK_BORROWS) != 0)
        ((struct task_loan *)task_behind(task))->future = &gone;
    task_reference(task);
    executor->running = task;
    executor_finish(executor, task, result);
    executor->running = NULL;
    HOOKS_CALL(executor->hooks, ended, task, result);
    task_release(task, &executor->task_pool);
}

void executor_wake_heard(struct executor *executor, struct trale_task *task, struct trale_task *by, uint32_t source)
{
    bool is_heard = task->state != TASK_DONE;
    executor_wake(executor, task);
    if (is_heard)
        HOOKS_CALL(executor->hooks, woken, task, by, source);
}

void executor_wake_here(struct executor *executor, struct trale_task *task)
{
    struct trale_task *by = executor->running;
    executor_wake_heard(executor, task, by, by != NULL ? TRALE_WOKEN_BY_TASK : TRALE_WOKEN_BY_DRIVER);
}
