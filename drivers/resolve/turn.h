/* SPDX-License-Identifier: MIT
 *
 * Turns: so many queries at most are in flight, each with a socket (`queries` in trale.ini), and others wait. A query
 * that is polled keeps its turn until it ends. One that was left, between two waits of its lookup, keeps it until the
 * time of its try is up: then a query that waits may have it. */
#ifndef RESOLVE_TURN_H
#define RESOLVE_TURN_H

#include "resolver.h"

/* A query's. All zero, and with `lose` set, it is one that was not asked for. */
struct turn {
    struct trale_link link; /* in resolver->waiting; or in resolver->left, if it is held and was left */
    bool is_held;
    uint64_t until_ns;               /* of one that is held: when another query may have it, if it is left then */
    const struct trale_waker *waker; /* lent; NULL while it does not wait, or is not polled */
    struct trale_sleep sleep;        /* pending while its type is not NULL */
    void (*lose)(struct turn *turn); /* [inside poll of another query] it was taken: ends what it has in flight */
};

/* [inside poll] Whether it is held. If not, it waits. */
bool turn_wait(struct turn *turn, struct resolver *resolver, struct trale_context *context);

/* It was left: takes back the wakers. It keeps its place, or what is held. */
void turn_leave(struct turn *turn, struct resolver *resolver);

/* Gives it to the query that has waited longest, or gives up to wait. */
void turn_end(struct turn *turn, struct resolver *resolver);

#endif
