/* SPDX-License-Identifier: MIT
 *
 * Futures and wakers. Needs libc headers alone, in C11 and C++17, as do all headers of trale but async.h.
 *
 * A future is plain memory that starts with `struct trale_future`. Polling it asks: is the result there? A future that
 * has no result yet arranges that the waker in its context is called when polling again makes sense, and returns
 * TRALE_PENDING.
 *
 * In C, async functions (async.h) and fibers (fiber.h) are futures. A future that is written by hand, in C or C++, is a
 * struct and a poll function:
 *
 *     struct nap {
 *         struct trale_future future;            the first member
 *         struct trale_sleep sleep;              futures it awaits are embedded: awaiting allocates nothing
 *     };
 *
 *     static int64_t nap_poll(struct trale_future *future, struct trale_context *context)
 *     {
 *         struct nap *nap = (struct nap *)(void *)future;
 *         if (future->awaiting == NULL)
 *             future->awaiting = trale_sleep(&nap->sleep, TRALE_SECOND);
 *         int64_t result = trale_future_await(future->awaiting, context);
 *         if (result != TRALE_PENDING)
 *             future->awaiting = NULL;
 *         return result;
 *     }
 *
 *     static const struct trale_future_type nap_type = {sizeof nap_type, TRALE_ABI, "nap", nap_poll, NULL};
 *
 * The word `struct` is needed in C++ as well, because many functions have the names of their types. No exception may
 * leave a function that trale calls.
 */
#ifndef TRALE_FUTURE_H
#define TRALE_FUTURE_H

#if __SIZEOF_POINTER__ != 8
#error "trale needs a target with 64-bit pointers: the layouts of its structs are defined for them alone"
#endif

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The generation of every layout in these headers. A change that only appends members leaves it alone: `size` tells.
 * The drivers of 0.1 had 1, and are refused. */
#define TRALE_ABI 2u

/* A result that must not be ignored: a future that is made and not awaited does nothing, an error is lost. */
#define TRALE_CHECK_RESULT __attribute__((warn_unused_result))

/* What poll returns while there is no result. No result has this value. */
#define TRALE_PENDING INT64_MIN

struct trale;
struct trale_future;

/* A place in a list. Zeroed, it is in none; its contents belong to the list. */
struct trale_link {
    struct trale_link *next, *previous;
};

/* A waker makes a task be polled again. It is a pointer to a base whose first member is this table (the layout of
 * async-ffi, so that Rust futures fit without a shim). The table never changes, and carries no size.
 *
 * A waker is lent to poll in the context, and stays valid until the future resolves, is dropped or is polled again.
 * Code that keeps it longer, or hands it to another thread, takes a clone, and gives the clone back by wake or drop,
 * once. Every member may be called on any thread, until the clone is given back, also when the task is finished or its
 * runtime closed; but not in a signal handler. None of them allocates, fails, blocks, or calls back into a driver. All
 * memory written before a wake is visible in the poll that it causes. */
struct trale_waker;
struct trale_waker_table {
    /* Returns a waker for the same task, owned by the caller. */
    const struct trale_waker *(*clone)(const struct trale_waker *waker);
    /* Wakes the task and gives the clone back. */
    void (*wake)(const struct trale_waker *waker);
    /* Wakes the task; the waker stays the caller's. */
    void (*wake_by_ref)(const struct trale_waker *waker);
    /* Gives the clone back without waking. */
    void (*drop)(const struct trale_waker *waker);
};
struct trale_waker {
    const struct trale_waker_table *table;
};

struct trale_context;

/* With [runtime] checks = yes every poll of a future goes through this. The runtime's; futures have no use for it. */
struct trale_checks {
    int64_t (*poll)(struct trale_checks *checks, struct trale_future *future, struct trale_context *context);
};

/* What a poll is given, lent for the call. */
struct trale_context {
    uint32_t size;                   /* of this struct, as the executor knows it */
    uint32_t abi;                    /* TRALE_ABI */
    const struct trale_waker *waker; /* the task's */
    struct trale *runtime;           /* the one that polls */

    /* The fairness rule (trale.h). `budget` is how many more results the task may take in this poll; every await that
     * resolves costs one. At 0 a leaf that may be ready time and again gives no result (trale_context_may_resolve).
     * `overdraft` is how many results of futures that do not look at the budget are let through after that. */
    uint32_t budget;
    uint32_t overdraft;

    uint32_t turn;    /* with which branch the next race begins; moves on with each */
    uint32_t checked; /* UINT32_MAX with `checks`, else 0: a budget that is no larger is looked at in detail */

    struct trale_checks *checks; /* NULL: none */
};

/* What kind of future it is: one constant per kind. */
struct trale_future_type {
    uint32_t size;    /* sizeof(struct trale_future_type) */
    uint32_t abi;     /* TRALE_ABI */
    const char *name; /* static; shown in backtraces */

    /* Returns the result, a value >= 0 or a negative errno; or TRALE_PENDING, after it has arranged that the context's
     * waker will be called. [executor thread, never re-entrantly] It may be called without cause, and returns
     * TRALE_PENDING again then. The first call may only begin to wait: code that gives up on a future which may be
     * ready polls it a second time first. A future that has returned a result has released everything it held, except
     * its own memory, and is neither polled nor dropped after that. The caller must use the result: it may be all that
     * is left of a datagram or a lock. */
    int64_t (*poll)(struct trale_future *future, struct trale_context *context);

    /* Gives up a future that has no result yet, polled or not: it takes its waker back from wherever it put it, and
     * releases what it holds. The future that it awaits was dropped before. Nothing touches the memory afterwards, nor
     * any memory that the future was lent. It does not block: an operation that goes on without the future works on
     * memory of the driver, which waits for it at the end (driver.h).
     * NULL where there is nothing to release. [executor thread; a future that was never polled, where it is spawned too
     * late, see trale_spawn_frame; not during its own poll] */
    void (*drop)(struct trale_future *future);
};

/* Where an async function waits: one constant per await, so that the frame needs one pointer for it. */
struct trale_await_point {
    const void *resume;     /* the label to jump to */
    const char *expression; /* what is awaited, as written */
    const char *file;
    int64_t line;
};

/* The head of every future. Zeroed but for `type`, it is one that was not polled yet. */
struct trale_future {
    const struct trale_future_type *type;
    struct trale_future *awaiting;      /* the future it waits for: drops and backtraces follow it down */
    const struct trale_await_point *at; /* where it waits; NULL before the first await and in leaves */
    union {
        int64_t result; /* of the last await: trale_result() */
        uint64_t own;   /* of a future that is written by hand: what it likes */
    };
};

/* Makes *future one of this type that was not polled yet. */
static inline void trale_future_init(struct trale_future *future, const struct trale_future_type *type)
{
    future->type = type;
    future->awaiting = NULL;
    future->at = NULL;
    future->result = 0;
}

/* In which state an async function or a fiber is, as its head says. */
enum trale_async_state {
    TRALE_ASYNC_NEW,      /* It has reached no await yet; the next poll begins at its start. */
    TRALE_ASYNC_AWAITING, /* It waits for `awaiting`; the next poll polls that. */
    TRALE_ASYNC_YIELDED,  /* It runs, or has let other tasks go first; the next poll goes on behind `at`. */
};
static inline enum trale_async_state trale_async_state(const struct trale_future *future)
{
    if (future->at == NULL)
        return TRALE_ASYNC_NEW;
    return future->awaiting != NULL ? TRALE_ASYNC_AWAITING : TRALE_ASYNC_YIELDED;
}

/* --- for futures that are written by hand ------------------------------------------------------------------------- */

/* Polls a future, and accounts for nothing. For a future that passes on the result of another one. [inside poll, with
 * its context] */
static inline int64_t trale_future_poll(struct trale_future *future, struct trale_context *context)
{
    if (context->checks != NULL)
        return context->checks->poll(context->checks, future, context);
    return future->type->poll(future, context);
}

/* Pays for `n` results, as far as the budget goes. [inside poll] */
static inline void trale_context_pay(struct trale_context *context, uint64_t n)
{
    context->budget = n < context->budget ? context->budget - (uint32_t)n : 0;
}

/* For a leaf that may be ready time and again: whether it may return a result in this poll. If not, its task was woken,
 * and the leaf returns TRALE_PENDING; but if it would miss an event while it does not wait, it begins to wait first.
 * [inside poll] */
static inline int trale_context_may_resolve(struct trale_context *context)
{
    if (context->budget > 0)
        return 1;
    context->waker->table->wake_by_ref(context->waker);
    return 0;
}

/* For a future that polls several in one poll, before it polls the next: if the poll began with a budget, of which
 * nothing is left, the next future may take one result all the same. So a future that takes results without end keeps
 * none of the others from resolving. `budget` is what the poll began with. [inside poll] */
static inline void trale_context_lend(struct trale_context *context, uint32_t budget)
{
    if (context->budget == 0 && budget > 0)
        context->budget = 1;
}

/* Polls a future that is awaited, and pays for its result: every await, every branch and every fiber goes through here.
 * The account is looked at before the poll, so a result is never held back: what this returns is seen. When neither
 * budget nor overdraft is left, the future is not polled, and the task is polled again when others had their turn.
 * [inside poll] */
static inline int64_t trale_future_await(struct trale_future *future, struct trale_context *context)
{
    int64_t result;
    if (context->budget > context->checked) {
        result = future->type->poll(future, context);
    } else if (context->budget == 0 && context->overdraft == 0) {
        context->waker->table->wake_by_ref(context->waker);
        return TRALE_PENDING;
    } else {
        result = trale_future_poll(future, context);
    }
    if (result == TRALE_PENDING)
        return TRALE_PENDING;
    if (context->budget > 0)
        context->budget--;
    else
        context->overdraft -= context->overdraft > 0;
    return result;
}

/* Drops a future that has not resolved, and the chain it awaits, the leaf first. [as trale_future_type.drop] */
static inline void trale_future_drop(struct trale_future *future)
{
    struct trale_future *child = future->awaiting;
    if (child != NULL)
        trale_future_drop(child);
    future->awaiting = NULL;
    if (future->type->drop != NULL)
        future->type->drop(future);
}

/* For macros that make a future: their result must not be ignored either. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_future_of_(struct trale_future *future)
{
    return future;
}

static_assert(sizeof(struct trale_future) == 32, "frozen: part of every frame");

#ifdef __cplusplus
}
#endif

#endif
