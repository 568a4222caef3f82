/* SPDX-License-Identifier: MIT
 *
 * A waker that may no longer be used stays in memory for a while. Its lock is held while the waker of a task is called,
 * so that the task does not end meanwhile; it is not held while a waker of another kind or the log is called. */
#include "core/checks/waker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/executor/executor.h"

struct wakers {
    pthread_mutex_t lock;
    struct findings *findings; /* NULL: closed */
    uint64_t n_users;          /* the runtime, the tasks, and the clones that are out */
    size_t n_kept;
    struct checked_waker *first, **last; /* those that are kept */
};

static void wakers_release(struct wakers *wakers)
{
    bool is_last = --wakers->n_users == 0;
    pthread_mutex_unlock(&wakers->lock);
    if (!is_last)
        return;
    pthread_mutex_destroy(&wakers->lock);
    free(wakers);
}

static void task_unreference(struct waker_task *task)
{
    if (--task->n_references > 0)
        return;
    task->wakers->n_users--;
    free(task);
}

/* Keeps one that may no longer be used, and lets go of the one that was kept for longest. */
static void wakers_keep(struct wakers *wakers, struct checked_waker *waker)
{
    waker->next = NULL;
    *wakers->last = waker;
    wakers->last = &waker->next;
    if (++wakers->n_kept <= WAKERS_KEPT)
        return;
    struct checked_waker *oldest = wakers->first;
    wakers->first = oldest->next;
    wakers->n_kept--;
    task_unreference(oldest->task);
    free(oldest);
}

static const char *state_words(const struct checked_waker *waker)
{
    if (waker->state == CHECKED_GIVEN)
        return "after it was given back: each clone is given back once, by wake or drop";
    if (waker->task->gone)
        return "after its task had ended: code that keeps a waker takes a clone, and gives that back";
    switch (waker->state) {
    case CHECKED_REPLACED:
        return "after its future was polled again, with another waker: keep the waker of the last poll, or a clone";
    case CHECKED_RESOLVED:
        return "after its future had returned a result: forget the waker before that, or keep a clone";
    default:
        return "after its future was dropped: take the waker back in drop, or keep a clone";
    }
}

static bool is_usable(const struct checked_waker *waker)
{
    return waker->state == CHECKED_CLONED || (waker->state == CHECKED_LENT && !waker->task->gone);
}

enum use { USE_CLONE, USE_WAKE, USE_WAKE_BY_REF, USE_DROP };

/* What is said without the lock, when the waker may be gone. */
struct report {
    struct findings *findings;
    struct place place;
    enum use use;
    const char *words;
};

/* [with the lock] */
static struct report report_make(const struct checked_waker *waker, enum use use)
{
    bool is_no_clone = waker->state == CHECKED_LENT && is_usable(waker);
    struct report report = {
        .findings = waker->wakers->findings,
        .place = {.task_id = waker->task->id, .future = waker->future, .file = waker->file, .line = waker->line},
        .use = use,
        .words = is_no_clone ? "although it is no clone: only a clone is given back" : state_words(waker),
    };
    memcpy(report.place.task, waker->task->name, sizeof report.place.task);
    return report;
}

static void report_say(const struct report *report)
{
    static const char *const uses[] = {"cloned", "woken and given back", "woken", "dropped"};
    if (report->findings != NULL)
        findings_say(report->findings, TRALE_LOG_ERROR, &report->place,
                     "the waker that was lent to this future was %s %s", uses[report->use], report->words);
}

/* Wakes by reference as far as that is possible; called with the lock, which it gives back. */
static void wake_inner(struct checked_waker *waker)
{
    const struct trale_waker *inner = waker->inner;
    bool is_task = waker->inner_is_task; /* called under the lock, and only while the task is there */
    bool may_call = is_usable(waker) || (is_task && waker->state != CHECKED_GIVEN && !waker->task->gone);
    if (may_call && is_task)
        inner->table->wake_by_ref(inner);
    pthread_mutex_unlock(&waker->wakers->lock);
    if (may_call && !is_task)
        inner->table->wake_by_ref(inner);
}

static struct checked_waker *checked(const struct trale_waker *waker)
{
    return (struct checked_waker *)(uintptr_t)waker;
}

static const struct trale_waker *checked_clone(const struct trale_waker *waker)
{
    struct checked_waker *from = checked(waker), *clone = malloc(sizeof *clone);
    struct wakers *wakers = from->wakers;
    pthread_mutex_lock(&wakers->lock);
    if (!is_usable(from)) {
        struct report report = report_make(from, USE_CLONE);
        pthread_mutex_unlock(&wakers->lock);
        free(clone);
        report_say(&report);
        return waker;
    }
    const struct trale_waker *inner = from->inner->table->clone(from->inner);
    if (clone != NULL) {
        *clone = *from;
        clone->state = CHECKED_CLONED;
        clone->inner = inner;
        clone->task->n_references++;
        wakers->n_users++;
    }
    pthread_mutex_unlock(&wakers->lock);
    return clone != NULL ? &clone->waker : inner;
}

static void checked_wake_by_ref(const struct trale_waker *waker)
{
    struct checked_waker *self = checked(waker);
    pthread_mutex_lock(&self->wakers->lock);
    if (is_usable(self)) {
        wake_inner(self);
        return;
    }
    struct report report = report_make(self, USE_WAKE_BY_REF);
    wake_inner(self);
    report_say(&report);
}

/* Gives back a waker that is no clone, or no longer one; called with the lock, which it gives back. */
static void give_back_wrongly(struct checked_waker *self, enum use use)
{
    struct report report = report_make(self, use);
    if (use == USE_WAKE)
        wake_inner(self);
    else
        pthread_mutex_unlock(&self->wakers->lock);
    report_say(&report);
}

/* Gives back a clone, woken or not. */
static void give_back(const struct trale_waker *waker, enum use use)
{
    struct checked_waker *self = checked(waker);
    struct wakers *wakers = self->wakers;
    pthread_mutex_lock(&wakers->lock);
    if (self->state != CHECKED_CLONED) {
        give_back_wrongly(self, use);
        return;
    }
    const struct trale_waker *inner = self->inner;
    self->state = CHECKED_GIVEN;
    if (wakers->findings != NULL) {
        wakers_keep(wakers, self);
    } else {
        task_unreference(self->task);
        free(self);
    }
    wakers_release(wakers);
    if (use == USE_WAKE)
        inner->table->wake(inner);
    else
        inner->table->drop(inner);
}

static void checked_wake(const struct trale_waker *waker)
{
    give_back(waker, USE_WAKE);
}

static void checked_drop(const struct trale_waker *waker)
{
    give_back(waker, USE_DROP);
}

static const struct trale_waker_table checked_table = {checked_clone, checked_wake, checked_wake_by_ref, checked_drop};

struct checked_waker *waker_look(const struct trale_waker *waker)
{
    return waker != NULL && waker->table == &checked_table ? checked(waker) : NULL;
}

/* --- tasks and loans ---------------------------------------------------------------------------------------------- */

struct waker_task *waker_task_begin(struct wakers *wakers, uint64_t id, const char *name)
{
    struct waker_task *task = calloc(1, sizeof *task);
    if (task == NULL)
        return NULL;
    *task = (struct waker_task){.wakers = wakers, .n_references = 1, .id = id};
    snprintf(task->name, sizeof task->name, "%s", name);
    pthread_mutex_lock(&wakers->lock);
    wakers->n_users++;
    pthread_mutex_unlock(&wakers->lock);
    return task;
}

void waker_task_end(struct waker_task *task)
{
    struct wakers *wakers = task->wakers;
    pthread_mutex_lock(&wakers->lock);
    task->gone = true;
    task_unreference(task);
    pthread_mutex_unlock(&wakers->lock);
}

struct checked_waker *waker_lend(struct waker_task *task, const struct trale_waker *inner, const char *future,
                                 const struct trale_await_point *at)
{
    struct checked_waker *lent = malloc(sizeof *lent), *outer = waker_look(inner);
    if (lent == NULL)
        return NULL;
    *lent = (struct checked_waker){.waker = {&checked_table},
                                   .state = CHECKED_LENT,
                                   .wakers = task->wakers,
                                   .inner = outer != NULL ? outer->inner : inner,
                                   .task = task,
                                   .future = future,
                                   .file = at != NULL ? at->file : NULL,
                                   .line = at != NULL ? at->line : 0};
    lent->inner_is_task = waker_is_task(lent->inner);
    pthread_mutex_lock(&task->wakers->lock);
    task->n_references++;
    pthread_mutex_unlock(&task->wakers->lock);
    return lent;
}

void waker_end(struct checked_waker *waker, enum checked_state state)
{
    struct wakers *wakers = waker->wakers;
    pthread_mutex_lock(&wakers->lock);
    waker->state = state;
    wakers_keep(wakers, waker);
    pthread_mutex_unlock(&wakers->lock);
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

struct wakers *wakers_open(struct findings *findings)
{
    struct wakers *wakers = calloc(1, sizeof *wakers);
    if (wakers == NULL)
        return NULL;
    *wakers = (struct wakers){.findings = findings, .n_users = 1};
    wakers->last = &wakers->first;
    pthread_mutex_init(&wakers->lock, NULL);
    return wakers;
}

void wakers_close(struct wakers *wakers)
{
    pthread_mutex_lock(&wakers->lock);
    wakers->findings = NULL;
    for (struct checked_waker *waker = wakers->first, *next; waker != NULL; waker = next) {
        next = waker->next;
        task_unreference(waker->task);
        free(waker);
    }
    wakers->first = NULL;
    wakers->last = &wakers->first;
    wakers->n_kept = 0;
    wakers_release(wakers);
}
