/* SPDX-License-Identifier: MIT
 *
 * The seat of an executor that has no thread of its own: the threads that wait for its tasks take turns in polling
 * them, one at a time. */
#ifndef CORE_EXECUTOR_SEAT_H
#define CORE_EXECUTOR_SEAT_H

#include <pthread.h>

#include "core/executor/task.h"

struct seat {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool taken;
};

void seat_init(struct seat *seat);
void seat_deinit(struct seat *seat);

/* Waits until the seat is free or the task is finished. True: the caller has the seat, and gives it back by
 * seat_leave; false: the task is finished. */
bool seat_take(struct seat *seat, struct trale_task *task);
void seat_leave(struct seat *seat);

/* Takes the seat if it is free. */
bool seat_try(struct seat *seat);

/* Waits until the seat is free, and takes it; until the deadline, if that is not NULL. 0 or -ETIMEDOUT. */
int seat_take_until(struct seat *seat, const struct timespec *deadline);

/* Wakes the threads that wait in seat_take, because the task of one of them has finished. */
void seat_notify(struct seat *seat);

#endif
