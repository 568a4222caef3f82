/* SPDX-License-Identifier: MIT
 *
 * Futures made of several. A branch whose future is NULL is over: every poll and drop below skips it. */
#include "core/compose/branches.h"

#include <errno.h>
#include <stdbool.h>

static struct trale_branches *branches_of(struct trale_future *future)
{
    return (struct trale_branches *)(void *)future;
}

static void branches_drop(struct trale_future *future)
{
    struct trale_branches *branches = branches_of(future);
    for (size_t i = 0; i < branches->n_branches; i++) {
        struct trale_future *inner = branches->branch[i].future;
        branches->branch[i].future = NULL;
        if (inner != NULL)
            trale_future_drop(inner);
    }
}

/* Polls a branch that is not over; true if it has resolved now, which costs the task what an await costs. */
static bool branch_poll(struct trale_branch *branch, struct trale_context *context)
{
    branch->result = trale_future_poll(branch->future, context);
    if (branch->result == TRALE_PENDING)
        return false;
    branch->future = NULL;
    if (context->budget > 0)
        context->budget--;
    return true;
}

/* One turn of the branches, from the one whose turn it is; when the budget is spent, the next turn goes on from there.
 * Returns how many were polled and still wait, or, for a race, stops at the first that has resolved: *winner. */
static size_t branches_turn(struct trale_branches *branches, struct trale_context *context, size_t *winner)
{
    size_t n_pending = 0, first = branches->turn;
    branches->turn = 0;
    for (size_t n = 0; n < branches->n_branches; n++) {
        size_t i = (first + n) % branches->n_branches;
        if (branches->branch[i].future == NULL)
            continue;
        if (context->budget == 0) {
            branches->turn = i;
            context->waker->table->wake_by_ref(context->waker);
            return n_pending + 1;
        }
        if (!branch_poll(&branches->branch[i], context)) {
            n_pending++;
        } else if (winner != NULL) {
            *winner = i;
            return n_pending;
        }
    }
    return n_pending;
}

static int64_t race_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_branches *race = branches_of(future);
    size_t winner = race->n_branches;
    if (race->n_branches == 0)
        return -EINVAL;
    branches_turn(race, context, &winner);
    if (winner == race->n_branches)
        return TRALE_PENDING;
    /* One before it may be ready as well: a first poll may only have begun to wait. */
    for (size_t i = 0; i < winner && context->budget > 0; i++)
        if (race->branch[i].future != NULL && branch_poll(&race->branch[i], context))
            winner = i;
    branches_drop(future);
    return (int64_t)winner;
}

static int64_t all_poll(struct trale_future *future, struct trale_context *context)
{
    return branches_turn(branches_of(future), context, NULL) == 0 ? 0 : TRALE_PENDING;
}

static const struct trale_future_type race_type = {sizeof race_type, TRALE_ABI, "trale_race", race_poll, branches_drop};
static const struct trale_future_type all_type = {sizeof all_type, TRALE_ABI, "trale_all", all_poll, branches_drop};

const struct trale_branches *branches_look(const struct trale_future *future)
{
    bool is_one = future->type == &race_type || future->type == &all_type;
    return is_one ? (const struct trale_branches *)(const void *)future : NULL;
}

static struct trale_future *branches_begin(struct trale_branches *branches, const struct trale_future_type *type,
                                           struct trale_branch *branch, size_t n_branches)
{
    *branches = (struct trale_branches){.future = {.type = type}, .branch = branch, .n_branches = n_branches};
    for (size_t i = 0; i < n_branches; i++)
        branch[i].result = TRALE_PENDING;
    return &branches->future;
}

struct trale_future *trale_race(struct trale_branches *race, struct trale_branch *branch, size_t n_branches)
{
    return branches_begin(race, &race_type, branch, n_branches);
}

struct trale_future *trale_all(struct trale_branches *all, struct trale_branch *branch, size_t n_branches)
{
    return branches_begin(all, &all_type, branch, n_branches);
}
