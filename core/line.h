/* SPDX-License-Identifier: MIT
 *
 * Something countable, and who waits for it: what all of trale/sync.h is made of. The owner's lock is held for each of
 * these functions. Wakers are called under it: they neither block nor call back (trale/future.h), and who is woken
 * cannot be gone before the lock is free. */
#ifndef TRALE_CORE_LINE_H
#define TRALE_CORE_LINE_H

#include <stdbool.h>

#include <trale/sync.h>

enum waiter_state {
    WAITER_NEW,      /* In no line. The beginning; also how one leaves the line without having been given anything. */
    WAITER_STANDING, /* In the line. Entered by a poll that found too little; left by being served, told, dropped. */
    WAITER_SERVED,   /* In no line, what it wants is its own. Left by the poll that says so, or by giving it back. */
};

/* Takes `n`, if they are there and nobody stands in line. */
bool line_try_take(struct trale_line *line, uint64_t n);

/* A poll for `n`: true once they were taken. */
bool line_take(struct trale_line *line, struct trale_waiter *waiter, uint64_t n, const struct trale_context *context);

/* Gives `n`, for which there is room in n_free, to those who wait as far as it suffices. */
void line_give(struct trale_line *line, uint64_t n);

/* A waiter is dropped: it leaves the line, and what it was given goes back, as far as it can be counted. */
void line_leave(struct trale_line *line, struct trale_waiter *waiter);

/* Everybody leaves the line, as if it had not been polled, and is woken to look at what has changed. */
void line_tell(struct trale_line *line);

/* Everybody in the line is served, with nothing: there is nothing to give back. */
void line_serve_all(struct trale_line *line);

#endif
