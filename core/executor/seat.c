/* SPDX-License-Identifier: MIT */
#include "core/executor/seat.h"

#include <errno.h>

void seat_init(struct seat *seat)
{
    pthread_mutex_init(&seat->lock, NULL);
    pthread_cond_init(&seat->changed, NULL);
    seat->taken = false;
}

void seat_deinit(struct seat *seat)
{
    pthread_cond_destroy(&seat->changed);
    pthread_mutex_destroy(&seat->lock);
}

bool seat_take(struct seat *seat, struct trale_task *task)
{
    pthread_mutex_lock(&seat->lock);
    while (seat->taken && !task_is_finished(task)) {
        /* BLOCKED makes the thread that finishes the task call seat_notify. */
        if ((atomic_fetch_or(&task->shared, TASK_BLOCKED) & TASK_FINISHED) == 0)
            pthread_cond_wait(&seat->changed, &seat->lock);
    }
    bool is_ours = !task_is_finished(task);
    if (is_ours)
        seat->taken = true;
    pthread_mutex_unlock(&seat->lock);
    return is_ours;
}

bool seat_try(struct seat *seat)
{
    pthread_mutex_lock(&seat->lock);
    bool is_ours = !seat->taken;
    seat->taken = true;
    pthread_mutex_unlock(&seat->lock);
    return is_ours;
}

int seat_take_until(struct seat *seat, const struct timespec *deadline)
{
    int r = 0;
    pthread_mutex_lock(&seat->lock);
    while (seat->taken && r == 0) {
        if (deadline == NULL)
            pthread_cond_wait(&seat->changed, &seat->lock);
        else
            r = -pthread_cond_clockwait(&seat->changed, &seat->lock, CLOCK_MONOTONIC, deadline);
    }
    if (!seat->taken)
        r = 0;
    if (r == 0)
        seat->taken = true;
    pthread_mutex_unlock(&seat->lock);
    return r;
}

void seat_leave(struct seat *seat)
{
    pthread_mutex_lock(&seat->lock);
    seat->taken = false;
    pthread_cond_broadcast(&seat->changed);
    pthread_mutex_unlock(&seat->lock);
}

void seat_notify(struct seat *seat)
{
    pthread_mutex_lock(&seat->lock);
    pthread_cond_broadcast(&seat->changed);
    pthread_mutex_unlock(&seat->lock);
}
