/* SPDX-License-Identifier: MIT
 *
 * Picks one of many by a seed, each equally often: a tree with a place for each number, and no memory of its own. The
 * two pointers of a link lead to the places 2 * i and 2 * i + 1; the place of a number is found by its bits. */
#ifndef CORE_EXECUTOR_SHUFFLE_H
#define CORE_EXECUTOR_SHUFFLE_H

#include <trale/future.h>

struct shuffle {
    struct trale_link *root; /* place 1; NULL: it is empty */
    uint64_t n_links;
};

/* Adds a link that is in no list. */
void shuffle_add(struct shuffle *shuffle, struct trale_link *link);

/* Takes out a link; there is one. The n-th pick of a seed is always the same number. */
struct trale_link *shuffle_pick(struct shuffle *shuffle, uint64_t seed, uint64_t n);

/* Calls `visit` for each link. */
void shuffle_each(const struct shuffle *shuffle, void (*visit)(void *data, struct trale_link *link), void *data);

#endif
