/* SPDX-License-Identifier: MIT
 *
 * Which wakers there are: for each poll of a future one is lent, and those that may no longer be used stay in memory
 * for a while. */
#include "core/checks/waker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/executor/executor.h"

void wakers_release(struct wakers *wakers)
{
    bool is_last = --wakers->n_users == 0;
    pthread_mutex_unlock(&wakers->lock);
    if (!is_last)
        return;
    pthread_cond_destroy(&wakers->said);
    pthread_mutex_destroy(&wakers->lock);
    free(wakers);
}

void waker_task_unreference(struct waker_task *task)
{
    if (--task->n_references > 0)
        return;
    task->wakers->n_users--;
    free(task);
}

void wakers_keep(struct wakers *wakers, struct checked_waker *waker)
{
    waker->next = NULL;
    *wakers->last = waker;
    wakers->last = &waker->next;
    if (++wakers->n_kept <= WAKERS_KEPT)
        return;
    struct checked_waker *oldest = wakers->first;
    wakers->first = oldest->next;
    wakers->n_kept--;
    waker_task_unreference(oldest->task);
    free(oldest);
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

void waker_task_rename(struct waker_task *task, const char *name)
{
    if (strncmp(task->name, name, sizeof task->name - 1) == 0)
        return;
    pthread_mutex_lock(&task->wakers->lock);
    snprintf(task->name, sizeof task->name, "%s", name);
    pthread_mutex_unlock(&task->wakers->lock);
}

void waker_task_end(struct waker_task *task)
{
    struct wakers *wakers = task->wakers;
    pthread_mutex_lock(&wakers->lock);
    task->gone = true;
    waker_task_unreference(task);
    pthread_mutex_unlock(&wakers->lock);
}

struct checked_waker *waker_lend(struct waker_task *task, const struct trale_waker *inner, const char *future,
                                 const struct trale_await_point *at)
{
    struct checked_waker *lent = malloc(sizeof *lent), *outer = waker_look(inner);
    if (lent == NULL)
        return NULL;
    *lent = (struct checked_waker){.waker = {&checked_waker_table},
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

struct wakers *wakers_open(struct findings *findings, const struct executor *executor)
{
    struct wakers *wakers = calloc(1, sizeof *wakers);
    if (wakers == NULL)
        return NULL;
    *wakers = (struct wakers){.findings = findings, .n_users = 1, .executor = executor};
    wakers->last = &wakers->first;
    pthread_mutex_init(&wakers->lock, NULL);
    pthread_cond_init(&wakers->said, NULL);
    return wakers;
}

void wakers_close(struct wakers *wakers)
{
    pthread_mutex_lock(&wakers->lock);
    wakers->findings = NULL;
    wakers->executor = NULL;
    while (wakers->n_reports > 0)
        pthread_cond_wait(&wakers->said, &wakers->lock);
    for (struct checked_waker *waker = wakers->first, *next; waker != NULL; waker = next) {
        next = waker->next;
        waker_task_unreference(waker->task);
        free(waker);
    }
    wakers->first = NULL;
    wakers->last = &wakers->first;
    wakers->n_kept = 0;
    wakers_release(wakers);
}
