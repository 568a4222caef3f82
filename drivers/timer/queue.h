/* SPDX-License-Identifier: MIT
 *
 * The sleeps that stand, by the time at which each must be woken at the latest, its deadline and its slack: a heap with
 * four children to a parent, where each sleep knows its position, so that it can be taken out of the middle. While a
 * sleep does not stand, its slack is kept where its position was. */
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

/* The slack of a sleep that does not stand. */
static inline uint64_t *timer_slack_ns(struct trale_sleep *sleep)
{
    return &sleep->place[0];
}

/* Adds a sleep by its deadline_ns and its slack; it must stay where it is. 0 or -ENOMEM. */
int timer_queue_add(struct timer_queue *queue, struct trale_sleep *sleep);

/* Takes out one that stands in it. */
void timer_queue_remove(struct timer_queue *queue, struct trale_sleep *sleep);

/* When the first must be woken, or NEVER. */
static inline uint64_t timer_queue_next(const struct timer_queue *queue)
{
    return queue->n_entries > 0 ? queue->heap[0].latest_ns : NEVER;
}

/* Takes out the first, if its deadline has come, if not yet its slack; of equal ones, but for NEVER, the one that came
 * first. NULL if it has not. */
struct trale_sleep *timer_queue_take(struct timer_queue *queue, uint64_t now_ns);

void timer_queue_deinit(struct timer_queue *queue);

#endif
