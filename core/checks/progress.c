/* SPDX-License-Identifier: MIT
 *
 * Tasks that are polled and get nowhere, and tasks that wait for themselves. */
#include "core/checks/ledger.h"

#include <sys/ioctl.h>

/* How long a chain of tasks that wait for each other is followed. */
#define CHAIN_MAX 1000

/* The task of this executor whose result this one waits for, if it waits for nothing else; or NULL. */
static const struct trale_task *awaited_task(const struct trale_task *task)
{
    const struct trale_future *leaf = task_future(task);
    while (leaf->awaiting != NULL)
        leaf = leaf->awaiting;
    const struct trale_task *awaited = join_look(leaf);
    return awaited != NULL && executor_has_here(awaited) && !task_is_finished(awaited) ? awaited : NULL;
}

static void look_for_cycle(struct checks *checks, const struct checked_task *checked)
{
    const struct trale_task *task = checked->task, *first = awaited_task(task), *awaited = first;
    for (int n = 0; n < CHAIN_MAX && awaited != NULL && awaited != task; n++)
        awaited = awaited_task(awaited);
    if (first == NULL || awaited != task)
        return;
    struct place place = checks_place(checks, NULL);
    if (first == task)
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "the task awaits itself, and so never ends: await the handle of another task");
    else
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "the task awaits task %llu (%s), which awaits this one in turn: none of them ever ends",
                     (unsigned long long)task_id(first), task_name(first));
}

/* Whether the poll has done what only a task does that goes on: it took a result, yielded, woke or spawned another
 * task, or there is more or less to read from the fd than the last time. */
static bool has_progressed(const struct checks *checks, struct checked_task *checked)
{
    int n_readable = -1;
    if (checked->ready_fd < 0 || ioctl(checked->ready_fd, FIONREAD, &n_readable) < 0)
        n_readable = -1;
    bool has_changed = n_readable != checked->n_readable;
    checked->n_readable = n_readable;
    return has_changed || checks->n_steps > 0;
}

static void look_for_storm(struct checks *checks, struct checked_task *checked)
{
    bool wakes_itself = checked->task->state == TASK_WOKEN;
    if (has_progressed(checks, checked) || (!wakes_itself && checked->ready_fd < 0)) {
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
