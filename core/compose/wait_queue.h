/* SPDX-License-Identifier: MIT
 *
 * Something countable, and who waits for it: what all of trale/sync.h is made of. The owner's lock is held for each of
 * these functions. Wakers are called under it: they neither block nor call back (trale/future.h), and who is woken
 * cannot be gone before the lock is free. */
#ifndef CORE_COMPOSE_WAIT_QUEUE_H
#define CORE_COMPOSE_WAIT_QUEUE_H

#include <stdbool.h>

#include <trale/sync.h>

enum waiter_state {
    WAITER_NEW,     /* In no line. The beginning; also how one leaves the line without having been given anything. */
    WAITER_WAITING, /* In the line. Entered by a poll that found too little; left by being served, told, dropped. */
    WAITER_SERVED,  /* In no line, what it wants is its own. Left by the poll that says so, or by giving it back. */
};

/* Takes `n`, if they are there and nobody stands in line. */
bool wait_queue_try_take(struct trale_wait_queue *queue, uint64_t n);

/* A poll for `n`: true once they were taken. */
bool wait_queue_take(struct trale_wait_queue *queue, struct trale_waiter *waiter, uint64_t n,
                     const struct trale_context *context);

/* Gives `n`, for which there is room in n_free, to those who wait as far as it suffices. */
void wait_queue_give(struct trale_wait_queue *queue, uint64_t n);

/* A waiter is dropped: it leaves the line, and what it was given goes back, as far as it can be counted. */
void wait_queue_leave(struct trale_wait_queue *queue, struct trale_waiter *waiter);

/* Everybody leaves the line, as if it had not been polled, and is woken to look at what has changed. */
void wait_queue_wake_all(struct trale_wait_queue *queue);

/* Everybody in the line is served, with nothing: there is nothing to give back. */
void wait_queue_serve_all(struct trale_wait_queue *queue);

#endif
