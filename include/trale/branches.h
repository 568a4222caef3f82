/* SPDX-License-Identifier: MIT
 *
 * Futures made of futures: race and all. Part of trale.h, which includes it. */
#ifndef TRALE_BRANCHES_H
#define TRALE_BRANCHES_H

#include <trale/trale.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One of several futures that are awaited together; an array of these is a member of the frame. */
struct trale_branch {
    struct trale_future *future; /* the caller sets it; NULL once it has resolved or was dropped */
    int64_t result;              /* valid if it resolved; TRALE_PENDING otherwise */
};
struct trale_branches {
    struct trale_future future;
    struct trale_branch *branch;
    size_t n_branches;
    size_t next;    /* trale_all: the branch that the next turn begins with */
    uint32_t begun; /* every branch was polled once */
    uint32_t reserved;
};

/* Resolves to the index of the first branch that resolves, and drops the others: exactly one branch resolves, so
 * nothing that another one waits for is taken and lost. Each poll begins with any of the branches, equally often, so
 * that one which is always ready does not starve the others. The first poll polls every branch until one resolves,
 * whatever the budget; and a branch that takes results without end keeps none of the others from resolving.
 * A branch that is NULL takes no part; with no branch the result is -EINVAL. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_race(struct trale_branches *race, struct trale_branch *branch,
                                                             size_t n_branches);

/* The same, but every poll begins with the first branch: if several are ready, the lowest wins, as far as their first
 * polls find out (trale_future_type.poll). One that is always ready starves those behind it. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_race_in_order(struct trale_branches *race,
                                                                      struct trale_branch *branch, size_t n_branches);

/* Resolves to 0 when all branches have. The first poll polls every branch, whatever the budget. If it is dropped, the
 * branches that have resolved keep their results: a cleanup function finds what they hold there. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_all(struct trale_branches *all, struct trale_branch *branch,
                                                            size_t n_branches);

/* The same without an array filled by hand. A member of the frame, TRALE_BRANCHES(3) race; has room for three branches;
 * trale_race_of(&self->race, first, second, third) makes the race of just so many futures. Which one has won is the
 * result; a branch's own result is self->race.branch[i].result. `room` is evaluated more than once. */
#define TRALE_BRANCHES(n)                                                                                              \
    struct {                                                                                                           \
        struct trale_branches branches;                                                                                \
        struct trale_branch branch[n];                                                                                 \
    }
#define trale_race_of(room, ...) trale_branches_of_(trale_race, room, __COUNTER__, __VA_ARGS__)
#define trale_race_in_order_of(room, ...) trale_branches_of_(trale_race_in_order, room, __COUNTER__, __VA_ARGS__)
#define trale_all_of(room, ...) trale_branches_of_(trale_all, room, __COUNTER__, __VA_ARGS__)
#define trale_branches_of_(make, room, n, ...) trale_branches_named_(make, room, n, __VA_ARGS__)
#define trale_branches_named_(make, room, n, ...) trale_branches_from_(make, room, trale_futures_##n##_, __VA_ARGS__)
#define trale_branches_from_(make, room, futures, ...)                                                                 \
    trale_future_of_(__extension__({                                                                                   \
        struct trale_future *const futures[] = {__VA_ARGS__};                                                          \
        static_assert(sizeof futures / sizeof futures[0] == sizeof(room)->branch / sizeof(room)->branch[0],            \
                      "as many futures as TRALE_BRANCHES has room for");                                               \
        for (size_t trale_i_ = 0; trale_i_ < sizeof futures / sizeof futures[0]; trale_i_++)                           \
            (room)->branch[trale_i_].future = futures[trale_i_];                                                       \
        make(&(room)->branches, (room)->branch, sizeof futures / sizeof futures[0]);                                   \
    }))

#ifdef __cplusplus
}
#endif

#endif
