/* SPDX-License-Identifier: MIT
 *
 * Sleeps that wait, as a heap: by their deadlines, and those of the same deadline by when they began to wait. */
#ifndef SIM_SLEEPS_H
#define SIM_SLEEPS_H

#include <trale/timer.h>

/* The states of a sleep that the driver has begun. */
enum sleep_state {
    SLEEP_READY = TRALE_SLEEP_NEW + 1, /* It is in no heap: its next poll finds out whether it is over or waits. */
    SLEEP_WAITING,                     /* It is in the heap; `position` says where. */
    SLEEP_REFUSED,                     /* It resolves to an error, whose number is in future.own. */
};

struct sleeps_entry {
    uint64_t deadline_ns; /* on the world's clock */
    uint64_t latest_ns;   /* with the slack */
    uint64_t order;
    struct trale_sleep *sleep;
};

/* Zeroed, it is empty. */
struct sleeps {
    struct sleeps_entry *entries;
    size_t n, room;
    uint64_t n_added;
};

void sleeps_deinit(struct sleeps *sleeps);

/* Adds a sleep that is not WAITING. 0, or -ENOMEM. */
int sleeps_add(struct sleeps *sleeps, struct trale_sleep *sleep, uint64_t deadline_ns, uint64_t latest_ns);

/* Removes a sleep that is WAITING; it is READY then. */
void sleeps_remove(struct sleeps *sleeps, struct trale_sleep *sleep);

/* When a sleep must be woken; UINT64_MAX: none must ever. */
uint64_t sleeps_next(const struct sleeps *sleeps);

/* Removes and returns the first sleep whose deadline has come; NULL: none has. */
struct trale_sleep *sleeps_take(struct sleeps *sleeps, uint64_t now_ns);

/* Moves the deadlines of all sleeps of one driver pointer by `by_ns`. */
void sleeps_move(struct sleeps *sleeps, const void *driver, int64_t by_ns);

#endif
