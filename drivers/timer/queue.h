/* SPDX-License-Identifier: MIT
 *
 * The sleeps that wait, ordered by the latest time to wake them, which is deadline plus slack. Those up to the base are
 * in a heap with four children to a parent; the others are in slots (far.h), without order. When the heap is empty, the
 * first slot is moved into it, or, where that is a large one, is divided into finer slots. So the heap stays small, and
 * memory that a sleep is in is touched when it begins, shortly before it ends, and when it ends. Memory that a burst of
 * sleeps has needed goes back while they end, but for 1.5 MiB.
 *
 * Each sleep knows its position, so it can be removed from the middle. */
#ifndef TIMER_QUEUE_H
#define TIMER_QUEUE_H

#include "far.h"

#define NEVER UINT64_MAX

/* In the heap. */
struct near_entry {
    uint64_t latest_ns;
    struct trale_sleep *sleep;
    uint64_t sequence; /* which of two came first */
};

/* Zeroed, it is empty. */
struct timer_queue {
    struct near_entry *heap; /* has room for all entries, so that moving them never fails */
    size_t n_near, n_room;
    size_t n_entries; /* in all */
    uint64_t last_sequence;
    uint64_t first_far_ns; /* the earliest time of the first slot, if it is known */
    bool knows_first_far;
    struct far *far; /* NULL until there is a sleep */
};

/* The `state` of a sleep of this driver. */
enum sleep_state {
    SLEEP_READY = TRALE_SLEEP_NEW + 1, /* Made, or taken out of the queue: its next poll looks at the clock. */
    SLEEP_WAITING,                     /* It is in the queue, and has a waker. */
    SLEEP_REFUSED,                     /* Its clock cannot be opened: `deadline_ns` is the errno. */
};

/* Puts a sleep in SLEEP_READY into the queue, where it is in SLEEP_WAITING; it must stay where it is in memory. 0 or
 * -ENOMEM. */
int timer_queue_add(struct timer_queue *queue, struct trale_sleep *sleep);

/* Takes a sleep out; it is in SLEEP_READY then. */
void timer_queue_remove(struct timer_queue *queue, struct trale_sleep *sleep);

/* The time at which the first must be woken; somewhat earlier if many sleeps follow each other closely, and their order
 * is not known yet. NEVER: there is none. */
uint64_t timer_queue_next(struct timer_queue *queue);

/* Takes out the first, as timer_queue_remove does, if its deadline has come, even if its slack has not; of equal
 * sleeps, except at NEVER, the one that came first. NULL if the deadline has not come. */
struct trale_sleep *timer_queue_take(struct timer_queue *queue, uint64_t now_ns);

void timer_queue_deinit(struct timer_queue *queue);

#endif
