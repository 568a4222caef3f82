/* SPDX-License-Identifier: MIT
 *
 * Tasks that are polled and get nowhere, and tasks that wait for themselves. */
#include "core/checks/ledger.h"

/* How long a chain of tasks that wait for each other is followed. */
#define CHAIN_MAX 1000

static const struct trale_future *leaf_of(const struct trale_future *future)
{
    while (future->awaiting != NULL)
        future = future->awaiting;
    return future;
}

/* The task whose result this one waits for, if it waits for nothing else; or NULL. */
static const struct trale_task *awaited_task(const struct checks *checks, const struct trale_task *task)
{
    const struct trale_task *awaited = join_look(leaf_of(task_future(task)));
    return awaited != NULL && task_executor(awaited) == checks->executor && !task_is_finished(awaited) ? awaited : NULL;
}

static void look_for_cycle(struct checks *checks, const struct checked_task *checked)
{
    const struct trale_task *task = checked->task, *first = awaited_task(checks, task), *awaited = first;
    for (int n = 0; n < CHAIN_MAX && awaited != NULL && awaited != task; n++)
        awaited = awaited_task(checks, awaited);
    if (first == NULL || awaited != task)
        return;
    struct place place = checks_place(checks, NULL);
    const struct trale_await_point *at = NULL;
    for (const struct trale_future *future = task_future(task); future != NULL; future = future->awaiting)
        at = future->at != NULL ? future->at : at;
    place.file = at != NULL ? at->file : NULL;
    place.line = at != NULL ? at->line : 0;
    if (first == task)
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "the task awaits itself, and so never ends: await the handle of another task");
    else
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "the task awaits task %llu (%s), which awaits this one in turn: none of them ever ends",
                     (unsigned long long)task_id(first), task_name(first));
}

/* A function that says trale_yield() goes on with each poll. */
static bool has_yielded(const struct trale_future *future)
{
    const struct trale_future *leaf = leaf_of(future);
    return leaf->at != NULL;
}

static void look_for_storm(struct checks *checks, struct checked_task *checked)
{
    bool wakes_itself = checked->task->state == TASK_WOKEN;
    if (checks->n_results > 0 || (!wakes_itself && checked->ready_fd < 0) || has_yielded(task_future(checked->task))) {
        checked->n_fruitless = 0;
        return;
    }
    if (++checked->n_fruitless % CHECKS_STORM != 0)
        return;
    struct place place = checks_place(checks, checked->ready_fd >= 0 ? checked->ready_ledger : checked->driver);
    if (checked->ready_fd >= 0)
        findings_say(&checks->findings, TRALE_LOG_WARNING, &place,
                     "wake storm: the task was polled %llu times in a row without a result, and each time waited for "
                     "fd %d, which was ready: take what is ready, or wait for what is needed",
                     (unsigned long long)checked->n_fruitless, checked->ready_fd);
    else
        findings_say(&checks->findings, TRALE_LOG_WARNING, &place,
                     "wake storm: the task was polled %llu times in a row without a result, and each poll woke it: a "
                     "future that is pending wakes its task when something has changed",
                     (unsigned long long)checked->n_fruitless);
}

void checks_progress(struct checks *checks, struct checked_task *checked)
{
    look_for_storm(checks, checked);
    if (checked->task->state == TASK_RUNNING)
        look_for_cycle(checks, checked);
}
