/* SPDX-License-Identifier: MIT
 *
 * Futures made of several. A branch whose future is NULL is over: every poll and drop below skips it. */
#include <errno.h>
#include <stdbool.h>

#include <trale/trale.h>

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

/* Polls a branch that is not over; true if it has resolved now. */
static bool branch_poll(struct trale_branch *branch, struct trale_context *context)
{
    branch->result = trale_future_poll(branch->future, context);
    if (branch->result == TRALE_PENDING)
        return false;
    branch->future = NULL;
    return true;
}

static int64_t race_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_branches *race = branches_of(future);
    for (size_t i = 0; i < race->n_branches; i++) {
        if (race->branch[i].future == NULL || !branch_poll(&race->branch[i], context))
            continue;
        branches_drop(future);
        return (int64_t)i;
    }
    return race->n_branches == 0 ? -EINVAL : TRALE_PENDING;
}

static int64_t all_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_branches *all = branches_of(future);
    size_t n_pending = 0;
    for (size_t i = 0; i < all->n_branches; i++)
        n_pending += all->branch[i].future != NULL && !branch_poll(&all->branch[i], context);
    return n_pending == 0 ? 0 : TRALE_PENDING;
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
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_race", race_poll, branches_drop};
    return branches_begin(race, &type, branch, n_branches);
}

struct trale_future *trale_all(struct trale_branches *all, struct trale_branch *branch, size_t n_branches)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_all", all_poll, branches_drop};
    return branches_begin(all, &type, branch, n_branches);
}
