/* SPDX-License-Identifier: MIT
 *
 * The operations of a replay that were polled and have no result, by their numbers. */
#ifndef SIM_REPLAY_WAITING_H
#define SIM_REPLAY_WAITING_H

#include <trale/observer.h>

struct replay;

/* An operation that was polled and has no result. */
struct replay_operation {
    struct trale_link link; /* in a bucket */
    struct replay *replay;
    uint64_t number;
    const struct trale_task *task;
    const struct trale_waker *waker;
};

#define REPLAY_BUCKETS 256

/* Zeroed, it is empty. */
struct replay_waiting {
    struct trale_link buckets[REPLAY_BUCKETS];
};

/* NULL: there is none by that number. */
struct replay_operation *replay_waiting_find(const struct replay_waiting *waiting, uint64_t number);

/* NULL: memory is out. */
struct replay_operation *replay_waiting_add(struct replay_waiting *waiting, uint64_t number);

/* Frees one, and all. */
void replay_waiting_remove(struct replay_operation *operation);
void replay_waiting_deinit(struct replay_waiting *waiting);

#endif
