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

/* Polls a branch that is not over; true if it has resolved now. */
static bool branch_poll(struct trale_branch *branch, struct trale_context *context)
{
    branch->result = trale_future_await(branch->future, context);
    if (branch->result == TRALE_PENDING)
        return false;
    branch->future = NULL;
    return true;
}

/* The same for the first turn, in which every branch begins: if the account of the task is empty, the branch may take
 * one result all the same. */
static bool branch_begin(struct trale_branch *branch, struct trale_context *context)
{
    bool is_empty = context->budget == 0 && context->overdraft == 0;
    if (is_empty)
        context->overdraft = 1;
    bool has_resolved = branch_poll(branch, context);
    if (is_empty)
        context->overdraft = 0;
    return has_resolved;
}

/* --- race --------------------------------------------------------------------------------------------------------- */

/* Polls the branches from `first` on, round to the one before it, until one resolves, and drops the others: so no
 * second one resolves, and no result is lost. */
static int64_t race_poll_from(struct trale_branches *race, size_t first, struct trale_context *context)
{
    bool (*poll)(struct trale_branch *, struct trale_context *) = race->begun ? branch_poll : branch_begin;
    uint32_t budget = context->budget;
    size_t n_pending = 0;
    for (size_t n = 0; n < race->n_branches; n++) {
        size_t i = (first + n) % race->n_branches;
        if (race->branch[i].future == NULL)
            continue;
        n_pending++;
        trale_context_lend(context, budget);
        if (!poll(&race->branch[i], context))
            continue;
        branches_drop(&race->future);
        return (int64_t)i;
    }
    race->begun = 1;
    return n_pending > 0 ? TRALE_PENDING : -EINVAL;
}

/* The branch that is polled first: any, equally often, whichever other races the executor polls in between, and also if
 * this race is itself a branch that is polled only where the outer race begins with it. So it is a hash of a count
 * (C. Wellons, "Prospecting for hash functions"), since the bits of the count itself are not independent. */
static size_t race_first(const struct trale_branches *race, struct trale_context *context)
{
    uint32_t hash = ++context->turn;
    hash = (hash ^ hash >> 16) * 0x7feb352du;
    hash = (hash ^ hash >> 15) * 0x846ca68bu;
    hash ^= hash >> 16;
    return (size_t)((uint64_t)hash * race->n_branches >> 32);
}

static int64_t race_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_branches *race = branches_of(future);
    return race_poll_from(race, race_first(race, context), context);
}

static int64_t race_in_order_poll(struct trale_future *future, struct trale_context *context)
{
    return race_poll_from(branches_of(future), 0, context);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

/* The first turn polls every branch, so that all have begun to wait. A later one ends when the budget is spent, and the
 * next goes on from there. */
static int64_t all_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_branches *all = branches_of(future);
    bool (*poll)(struct trale_branch *, struct trale_context *) = all->begun ? branch_poll : branch_begin;
    size_t n_pending = 0, first = all->next;
    all->next = 0;
    for (size_t n = 0; n < all->n_branches; n++) {
        size_t i = (first + n) % all->n_branches;
        if (all->branch[i].future == NULL)
            continue;
        if (all->begun && context->budget == 0) {
            all->next = i;
            context->waker->table->wake_by_ref(context->waker);
            return TRALE_PENDING;
        }
        n_pending += !poll(&all->branch[i], context);
    }
    all->begun = 1;
    return n_pending == 0 ? 0 : TRALE_PENDING;
}

static const struct trale_future_type race_type = {sizeof race_type, TRALE_ABI, "trale_race", race_poll, branches_drop};
static const struct trale_future_type race_in_order_type = {sizeof race_in_order_type, TRALE_ABI, "trale_race_in_order",
                                                            race_in_order_poll, branches_drop};
static const struct trale_future_type all_type = {sizeof all_type, TRALE_ABI, "trale_all", all_poll, branches_drop};

const struct trale_branches *branches_look(const struct trale_future *future)
{
    bool is_one = future->type == &race_type || future->type == &race_in_order_type || future->type == &all_type;
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

struct trale_future *trale_race_in_order(struct trale_branches *race, struct trale_branch *branch, size_t n_branches)
{
    return branches_begin(race, &race_in_order_type, branch, n_branches);
}

struct trale_future *trale_all(struct trale_branches *all, struct trale_branch *branch, size_t n_branches)
{
    return branches_begin(all, &all_type, branch, n_branches);
}
