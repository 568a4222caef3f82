/* SPDX-License-Identifier: MIT
 *
 * The sleeps that wait, ordered by the latest time to wake them, which is deadline plus slack: a heap with four
 * children to a parent. Each sleep knows its position, so it can be removed from the middle. A sleep in the queue has
 * its sequence where its slack was; the slack is computed again when it is taken out. */
#ifndef TIMER_QUEUE_H
#define TIMER_QUEUE_H

#include <trale/timer.h>

#define NEVER UINT64_MAX

struct timer_entry {
    uint64_t latest_ns;
    struct trale_sleep *sleep;
};

/* Zeroed, it is empty. */
struct timer_queue {
    struct timer_entry *heap;
    size_t n_entries, n_room;
    uint64_t last_sequence;
};

/* The `state` of a sleep of this driver. */
enum sleep_state {
    SLEEP_READY = TRALE_SLEEP_NEW + 1, /* Made, or taken out of the queue: its next poll looks at the clock. */
    SLEEP_WAITING,                     /* It is in the queue, and has a waker. */
    SLEEP_REFUSED,                     /* It resolves to an error, whose number `deadline_ns` is. */
};

/* Puts a sleep in SLEEP_READY into the queue, where it is in SLEEP_WAITING; it must stay where it is in memory. 0 or
 * -ENOMEM. */
int timer_queue_add(struct timer_queue *queue, struct trale_sleep *sleep);

/* Takes a sleep out; it is in SLEEP_READY then. */
void timer_queue_remove(struct timer_queue *queue, struct trale_sleep *sleep);

/* The time at which the first must be woken, or NEVER. */
static inline uint64_t timer_queue_next(const struct timer_queue *queue)
{
    return queue->n_entries > 0 ? queue->heap[0].latest_ns : NEVER;
}

/* Takes out the first, as timer_queue_remove does, if its deadline has come, even if its slack has not; of equal
 * sleeps, except at NEVER, the one that came first. NULL if the deadline has not come. */
struct trale_sleep *timer_queue_take(struct timer_queue *queue, uint64_t now_ns);

void timer_queue_deinit(struct timer_queue *queue);

#endif
