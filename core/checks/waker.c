/* SPDX-License-Identifier: MIT
 *
 * A waker that may no longer be used stays in memory for a while. No lock is held while the log or a waker of another
 * kind is called, which may lead to one of these again. */
#include "core/checks/waker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/executor/executor.h"

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

/* What is said without the lock, when the waker may be gone; the end of the runtime waits until it is said. */
struct report {
    struct wakers *wakers;
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
        .wakers = waker->wakers,
        .findings = waker->wakers->findings,
        .place = {.task_id = waker->task->id, .future = waker->future, .file = waker->file, .line = waker->line},
        .use = use,
        .words = is_no_clone ? "although it is no clone: only a clone is given back" : state_words(waker),
    };
    memcpy(report.place.task, waker->task->name, sizeof report.place.task);
    report.wakers->n_reports += report.findings != NULL;
    return report;
}

static void report_say(const struct report *report)
{
    static const char *const uses[] = {"cloned", "woken and given back", "woken", "dropped"};
    if (report->findings == NULL)
        return;
    findings_say(report->findings, TRALE_LOG_ERROR, &report->place, "the waker that was lent to this future was %s %s",
                 uses[report->use], report->words);
    pthread_mutex_lock(&report->wakers->lock);
    if (--report->wakers->n_reports == 0)
        pthread_cond_broadcast(&report->wakers->said);
    pthread_mutex_unlock(&report->wakers->lock);
}

/* Wakes by reference as far as that is possible; called with the lock, which it gives back. A clone has a reference to
 * its task, and no task ends while its executor's thread is here, where observers may hear of the wake. So only a waker
 * that another thread calls, and that is no clone, is called with the lock. */
static void wake_inner(struct checked_waker *waker)
{
    const struct trale_waker *inner = waker->inner;
    bool is_task = waker->inner_is_task;
    bool may_call = is_usable(waker) || (is_task && waker->state != CHECKED_GIVEN && !waker->task->gone);
    bool may_end = is_task && waker->state != CHECKED_CLONED && !executor_is_here(waker->wakers->executor);
    if (may_call && may_end)
        inner->table->wake_by_ref(inner);
    pthread_mutex_unlock(&waker->wakers->lock);
    if (may_call && !may_end)
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
    const struct trale_waker *inner = from->inner;
    bool is_task = from->inner_is_task;
    if (clone != NULL) {
        *clone = *from;
        clone->state = CHECKED_CLONED;
        clone->task->n_references++;
        wakers->n_users++;
    }
    if (is_task)
        inner = inner->table->clone(inner);
    pthread_mutex_unlock(&wakers->lock);
    if (!is_task)
        inner = inner->table->clone(inner);
    if (clone == NULL)
        return inner;
    clone->inner = inner;
    return &clone->waker;
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
        waker_task_unreference(self->task);
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

const struct trale_waker_table checked_waker_table = {checked_clone, checked_wake, checked_wake_by_ref, checked_drop};

struct checked_waker *waker_look(const struct trale_waker *waker)
{
    return waker != NULL && waker->table == &checked_waker_table ? checked(waker) : NULL;
}
