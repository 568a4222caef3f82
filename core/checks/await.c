/* SPDX-License-Identifier: MIT
 *
 * Every poll of a future, seen from the poll of its task inwards. A future that is pending stays known, below the
 * future that polled it. When that one is over, so is this one: it has resolved or was dropped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/checks/ledger.h"
#include "core/checks/spent.h"
#include "core/compose/branches.h"

/* --- futures ------------------------------------------------------------------------------------------------------ */

static void seen_end(struct checks *checks, struct seen *seen, enum checked_state state)
{
    while (!list_is_empty(&seen->children))
        seen_end(checks, list_entry(seen->children.next, struct seen, node), CHECKED_DROPPED);
    checks_waits_end(checks, &seen->waits, seen->type->name, state == CHECKED_RESOLVED);
    if (seen->waker != NULL)
        waker_end(seen->waker, state);
    if (seen->task->root == seen)
        seen->task->root = NULL;
    map_remove(&checks->futures, seen->future);
    list_remove(&seen->node);
    free(seen);
}

static struct seen *seen_begin(struct checks *checks, struct trale_future *future)
{
    struct seen *seen = calloc(1, sizeof *seen);
    if (seen == NULL || !map_put(&checks->futures, future, seen)) {
        free(seen);
        return NULL;
    }
    seen->future = future;
    seen->type = future->type;
    seen->task = checks->running;
    list_init(&seen->children);
    list_init(&seen->waits);
    return seen;
}

/* Whether a future is among those that another one awaits. Only what is alive is looked at. */
static bool reaches(const struct trale_future *from, const struct trale_future *future)
{
    for (; from != NULL && from != future; from = from->awaiting) {
        const struct trale_branches *branches = branches_look(from);
        for (size_t i = 0; branches != NULL && i < branches->n_branches; i++)
            if (branches->branch[i].future != NULL && reaches(branches->branch[i].future, future))
                return true;
    }
    return from != NULL;
}

/* A frame that awaits a future which was polled by a frame of the same kind at another address, and is part of that. */
static void look_for_move(struct checks *checks, const struct trale_future *future)
{
    const struct seen *child = future->awaiting != NULL ? map_get(&checks->futures, future->awaiting) : NULL;
    if (child == NULL || child->parent == NULL || child->parent->future == future ||
        child->parent->type != future->type)
        return;
    struct place place = checks_place(checks, NULL);
    findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                 "the future %s was moved from %p to %p while it awaited %s: a future stays where it is from its first "
                 "poll until it is over",
                 future->type->name, (void *)child->parent->future, (const void *)future, child->type->name);
}

/* The record of a future that is about to be polled; NULL: it is polled without one. */
static struct seen *seen_find(struct checks *checks, struct trale_future *future)
{
    struct seen *seen = map_get(&checks->futures, future);
    if (seen != NULL && seen->task != checks->running && reaches(task_future(seen->task->task), future)) {
        struct place place = checks_place(checks, NULL);
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "the future %s is awaited by task %llu (%s) as well: one task awaits a future, and only the last "
                     "one that polled it is woken",
                     future->type->name, (unsigned long long)task_id(seen->task->task), seen->task->wakers->name);
        return NULL;
    }
    /* The memory has become another future since. */
    if (seen != NULL && (seen->task != checks->running || seen->type != future->type)) {
        seen_end(checks, seen, CHECKED_DROPPED);
        seen = NULL;
    }
    if (seen == NULL) {
        look_for_move(checks, future);
        seen = seen_begin(checks, future);
    }
    if (seen == NULL)
        return NULL;
    seen->parent = checks->polling != NULL ? checks->polling->seen : NULL;
    list_remove(&seen->node);
    if (seen->parent != NULL)
        list_append(&seen->parent->children, &seen->node);
    else
        seen->task->root = seen;
    return seen;
}

/* --- polls -------------------------------------------------------------------------------------------------------- */

/* Whether this future is in its poll already. A poll may pass the call on to another type of the same future. */
static bool is_polled(const struct checks *checks, const struct trale_future *future)
{
    const struct polling *polling = checks->polling;
    while (polling != NULL && (polling->future != future || polling->type != future->type))
        polling = polling->outer;
    return polling != NULL;
}

/* What must not be polled at all resolves to an error. */
static int64_t refuse(struct checks *checks, const struct trale_future *future)
{
    struct place place = checks_place(checks, NULL);
    if (future->type == NULL) {
        findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                     "a future is polled whose type is NULL: the function that makes it was not called, or its memory "
                     "was cleared; it resolves to -EINVAL");
        return -EINVAL;
    }
    findings_say(&checks->findings, TRALE_LOG_ERROR, &place,
                 "the future %s is polled inside its own poll: it awaits itself; it resolves to -EDEADLK",
                 future->type->name);
    return -EDEADLK;
}

/* A poll with a waker of its own, which is known from the others. That of the last poll ends with this one: until the
 * driver cancels the wait, another thread may find it due. */
static int64_t poll_seen(struct checks *checks, struct seen *seen, struct trale_future *future,
                         struct trale_context *context)
{
    const struct trale_waker *waker = context->waker;
    const struct trale_await_point *at = NULL;
    for (const struct polling *polling = checks->polling; at == NULL && polling != NULL; polling = polling->outer)
        at = polling->future->at;
    struct checked_waker *lent = waker_lend(seen->task->wakers, waker, seen->type->name, at);
    struct checked_waker *former = lent != NULL ? seen->waker : NULL;
    if (lent != NULL) {
        seen->waker = lent;
        context->waker = &lent->waker;
    }
    int64_t result = future->type->poll(future, context);
    context->waker = waker;
    if (former != NULL)
        waker_end(former, CHECKED_REPLACED);
    if (result == TRALE_PENDING) {
        seen->type = future->type;
        checks->n_steps += trale_async_state(future) == TRALE_ASYNC_YIELDED;
        return TRALE_PENDING;
    }
    checks->n_steps++;
    /* The frame of a task that has ended is out of reach. */
    bool is_in_reach = seen->parent != NULL || (seen->task->task->place & TASK_BORROWS) != 0;
    seen_end(checks, seen, CHECKED_RESOLVED);
    if (is_in_reach)
        spent_mark(future);
    return result;
}

int64_t checks_poll(struct trale_checks *polls, struct trale_future *future, struct trale_context *context)
{
    struct checks *checks = checks_of(polls);
    if (future->type == NULL || is_polled(checks, future))
        return refuse(checks, future);
    bool passes_on = checks->polling != NULL && checks->polling->future == future;
    bool is_within_unseen = checks->polling != NULL && checks->polling->seen == NULL;
    struct seen *seen = NULL;
    if (!passes_on && !is_within_unseen && checks->running != NULL && !spent_is(future))
        seen = seen_find(checks, future);
    struct polling polling = {future, future->type, seen, checks->polling};
    if (passes_on)
        polling.seen = checks->polling->seen;
    checks->polling = &polling;
    int64_t result = seen != NULL ? poll_seen(checks, seen, future, context) : future->type->poll(future, context);
    checks->polling = polling.outer;
    return result;
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct checked_task *checks_task(struct checks *checks, struct trale_task *task)
{
    struct checked_task *checked = map_get(&checks->tasks, task);
    if (checked != NULL)
        return checked;
    checked = calloc(1, sizeof *checked);
    if (checked == NULL)
        return NULL;
    checked->task = task;
    checked->n_readable = -1;
    checked->driver = map_remove(&checks->spawned, task_future(task));
    checked->wakers = waker_task_begin(checks->wakers, task_id(task), task_name(task));
    if (checked->wakers != NULL && map_put(&checks->tasks, task, checked)) {
        checks->n_alive += task->role < TASK_OF_DRIVER;
        return checked;
    }
    if (checked->wakers != NULL)
        waker_task_end(checked->wakers);
    free(checked);
    return NULL;
}

void checks_task_end(struct checks *checks, struct checked_task *task)
{
    if (task->root != NULL)
        seen_end(checks, task->root, CHECKED_DROPPED);
    if (task->driver != NULL)
        task->driver->n_tasks--;
    map_remove(&checks->tasks, task->task);
    checks->n_alive -= task->task->role < TASK_OF_DRIVER;
    waker_task_end(task->wakers);
    free(task);
}
