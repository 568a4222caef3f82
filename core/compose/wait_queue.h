/* SPDX-License-Identifier: MIT
 *
 * A count, and a queue of waiters that take from it, first come, first served: all of trale/sync.h is made of it. The
 * caller holds the owner's lock in each of these functions. Wakers are called under it: they neither block nor call
 * back (trale/future.h), and a waiter that is woken cannot be gone before the lock is free. */
#ifndef CORE_COMPOSE_WAIT_QUEUE_H
#define CORE_COMPOSE_WAIT_QUEUE_H

#include <stdbool.h>

#include <trale/sync.h>

enum waiter_state {
    WAITER_NEW,     /* In no queue. The beginning; also the state after wait_queue_wake_all. */
    WAITER_WAITING, /* In the queue. Entered by a poll that found too little; left by being served, woken, dropped. */
    WAITER_SERVED,  /* In no queue, and owns what it wanted. Left by the poll that returns it, or by giving it back. */
};

/* Takes `n`, if there are so many and nothing waits. */
bool wait_queue_try_take(struct trale_wait_queue *queue, uint64_t n);

/* A poll for `n`: true once they were taken and the task's budget allows a result. */
bool wait_queue_take(struct trale_wait_queue *queue, struct trale_waiter *waiter, uint64_t n,
                     struct trale_context *context);

/* Adds `n`, for which there is room in n_free, and serves the waiters as far as it suffices. */
void wait_queue_give(struct trale_wait_queue *queue, uint64_t n);

/* Takes a waiter that is dropped out of the queue; what it was served goes back, as far as it can be counted. */
void wait_queue_leave(struct trale_wait_queue *queue, struct trale_waiter *waiter);

/* Takes every waiter out of the queue, as if it had not been polled, and wakes it to see what has changed. */
void wait_queue_wake_all(struct trale_wait_queue *queue);

/* Serves every waiter in the queue with nothing: it has nothing to give back. */
void wait_queue_serve_all(struct trale_wait_queue *queue);

#endif
