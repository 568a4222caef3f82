/* SPDX-License-Identifier: MIT
 *
 * Futures, wakers and the async macros. Needs libc headers alone.
 *
 * A future is plain memory that starts with `struct trale_future`. Polling it asks: is the result there? A future that
 * has no result yet arranges that the waker in its context is called when polling again makes sense, and returns
 * TRALE_PENDING.
 *
 * An async function is a future whose memory is its frame, and whose poll function continues where it stopped:
 *
 *     struct greet {
 *         struct trale_future future;            the first member of every frame
 *         struct trale_sleep  sleep;             futures it awaits are embedded: awaiting allocates nothing
 *         int                 n;
 *     };
 *
 *     trale_async(greet)                         defines the poll function of `struct greet`
 *     {
 *         trale_begin();
 *         for (self->n = 0; self->n < 3; self->n++)
 *             trale_try(trale_sleep(&self->sleep, TRALE_SECOND));
 *         trale_return(self->n);
 *     }
 *
 * THE RULE ABOUT LOCALS. Every await returns from the function and comes back by a jump. A value that must survive an
 * await is a member of the frame; a local variable does not survive:
 *
 *     wrong                                      right
 *         long n = measure();                        self->n = measure();
 *         trale_await(...);                          trale_await(...);
 *         trale_return(n);      n is garbage         trale_return(self->n);
 *
 * A local that is declared and last used between two awaits is fine, also in the expression of an await. The jump is
 * in the open, so compilers see a part of the mistakes, and trale-locals, a script that is installed with trale, finds
 * the rest. What gcc 12 says with -O1 -Wall, and clang 14 with -Wconditional-uninitialized:
 *
 *     a local that is used across an await              gcc            clang          trale-locals
 *     a number or a pointer                             warns          warns          warns
 *     a number that only ever gets one constant         is silent      warns          warns
 *     an array, a struct                                warns of some  is silent      warns
 *     a local whose address is taken                    is silent      warns of some  warns
 *     a future that is a local and not in the frame     is silent      is silent      warns
 *     an array of variable length                       is silent      an error       warns
 *     a local with a cleanup attribute                  is silent      an error       warns
 *
 * So run trale-locals over async code: trale-locals $(pkg-config --cflags trale) *.c. A resource belongs into the frame
 * as well; trale_async_with() releases it. Where that is too narrow, use a fiber (fiber.h), which has its own stack.
 *
 * trale_await is a statement, and trale_result() is its result: a C compiler allows no jump into the middle of an
 * expression (gcc calls it undefined, clang refuses), and resuming is a jump. It works inside loops and switch.
 */
#ifndef TRALE_FUTURE_H
#define TRALE_FUTURE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#error "trale's headers are C (GNU C11)"
#endif

/* The generation of every layout in these headers. A change that only appends members leaves it alone: `size` tells. */
#define TRALE_ABI 1u

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

    uint32_t turn; /* with which branch the next race begins; moves on with each */
    uint32_t reserved;
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
     * releases what it holds. The future that it awaits was dropped before. Nothing touches the memory afterwards.
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
    int64_t result;                     /* of the last await: trale_result() */
};

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
    if (context->budget == 0 && context->overdraft == 0) {
        context->waker->table->wake_by_ref(context->waker);
        return TRALE_PENDING;
    }
    int64_t result = trale_future_poll(future, context);
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

/* --- async functions ---------------------------------------------------------------------------------------------- */

/* trale_async(name) { body } defines the async function whose frame is `struct name`, in this file. The body sees the
 * frame as `self` and the poll's context as `cx`, starts with trale_begin() and is left by trale_return().
 *
 * trale_async_with(name, cleanup) also names a function `void cleanup(struct name *self)` that runs exactly once: when
 * the function returns or when it is dropped, at any await or before the first poll.
 *
 * For an async function that other files call, a header defines `struct name` and says trale_async_declare(name); one
 * file defines it by trale_async_extern(name) or trale_async_extern_with(name, cleanup). */
#define trale_async(name) trale_async_define_(static, name, NULL)
#define trale_async_with(name, cleanup) trale_async_define_with_(static, name, cleanup)
#define trale_async_declare(name) extern const struct trale_future_type name##_type
#define trale_async_extern(name) trale_async_define_(, name, NULL)
#define trale_async_extern_with(name, cleanup) trale_async_define_with_(, name, cleanup)

#define trale_async_define_with_(storage, name, cleanup)                                                               \
    static void name##_drop_(struct trale_future *future)                                                              \
    {                                                                                                                  \
        cleanup((struct name *)(void *)future);                                                                        \
    }                                                                                                                  \
    trale_async_define_(storage, name, name##_drop_)

#define trale_async_define_(storage, name, drop_)                                                                      \
    _Static_assert(offsetof(struct name, future) == 0, "struct trale_future future; is a frame's first member");       \
    _Static_assert(_Alignof(struct name) <= _Alignof(max_align_t), "tasks' frames are aligned as malloc(3) has it");   \
    static int64_t name##_body_(struct name *self, struct trale_context *cx);                                          \
    static int64_t name##_poll_(struct trale_future *future, struct trale_context *context)                            \
    {                                                                                                                  \
        return name##_body_((struct name *)(void *)future, context);                                                   \
    }                                                                                                                  \
    storage const struct trale_future_type name##_type = {sizeof(struct trale_future_type), TRALE_ABI, #name,          \
                                                          name##_poll_, drop_};                                        \
    static int64_t name##_body_(struct name *self, struct trale_context *cx)

/* The first statement of an async function. Without it an await does not compile. */
#define trale_begin()                                                                                                  \
    (void)cx;                                                                                                          \
    const void *trale_resume_ = __extension__ && trale_begin_;                                                         \
    if (trale_async_state(&self->future) != TRALE_ASYNC_NEW)                                                           \
        trale_resume_ = self->future.at->resume;                                                                       \
    goto *trale_resume_;                                                                                               \
    trale_begin_:                                                                                                      \
    (void)0

/* Waits for a future, a `struct trale_future *` or a frame's first member. The expression is evaluated once; the first
 * poll follows at once, or in the next turn of a task that may take no more results in this one (trale_future_await).
 * The result is then in trale_result(); it is -EINVAL if the expression is NULL. */
#define trale_await(expression) trale_await_(expression, #expression)

/* The same, and assigns the result to an lvalue, which may be a local. */
#define trale_await_to(lvalue, expression)                                                                             \
    do {                                                                                                               \
        trale_await_(expression, #expression);                                                                         \
        (lvalue) = trale_result();                                                                                     \
    } while (0)

/* The same as trale_await, and returns the result if it is an error. */
#define trale_try(expression)                                                                                          \
    do {                                                                                                               \
        trale_await_(expression, #expression);                                                                         \
        if (trale_result() < 0)                                                                                        \
            trale_return(trale_result());                                                                              \
    } while (0)

#define trale_await_(expression, text)                                                                                 \
    do {                                                                                                               \
        __label__ trale_here_;                                                                                         \
        static const struct trale_await_point trale_point_ = {__extension__ && trale_here_, text, __FILE__, __LINE__}; \
        (void)trale_resume_; /* not declared: trale_begin() is missing */                                              \
        self->future.awaiting = (expression);                                                                          \
        self->future.at = &trale_point_;                                                                               \
    trale_here_:                                                                                                       \
        self->future.result = self->future.awaiting != NULL ? trale_future_await(self->future.awaiting, cx) : -EINVAL; \
        if (self->future.result == TRALE_PENDING)                                                                      \
            return TRALE_PENDING;                                                                                      \
        self->future.awaiting = NULL;                                                                                  \
    } while (0)

/* The result of the last await: >= 0, or a negative errno, as a system call has it. */
#define trale_result() (self->future.result)

/* Lets every other runnable task go first. */
#define trale_yield()                                                                                                  \
    do {                                                                                                               \
        __label__ trale_here_;                                                                                         \
        static const struct trale_await_point trale_point_ = {__extension__ && trale_here_, "trale_yield()", __FILE__, \
                                                              __LINE__};                                               \
        (void)trale_resume_; /* not declared: trale_begin() is missing */                                              \
        self->future.at = &trale_point_;                                                                               \
        cx->waker->table->wake_by_ref(cx->waker);                                                                      \
        return TRALE_PENDING;                                                                                          \
    trale_here_:;                                                                                                      \
    } while (0)

/* Resolves the async function; the value is computed before the cleanup function runs. */
#define trale_return(value)                                                                                            \
    do {                                                                                                               \
        int64_t trale_value_ = (value);                                                                                \
        if (self->future.type->drop != NULL)                                                                           \
            self->future.type->drop(&self->future);                                                                    \
        return trale_value_;                                                                                           \
    } while (0)

/* trale_call(name, frame, .member = value, ...) makes *frame a call of the async function `name`, with the other
 * members zero, and is its future, to be awaited; `frame` is evaluated twice. What the frame held before must have
 * resolved or been dropped. */
#define trale_call(name, frame, ...)                                                                                   \
    trale_future_of_(&(*(frame) = (struct name){.future = {.type = &name##_type}, __VA_ARGS__}, (frame))->future)
TRALE_CHECK_RESULT static inline struct trale_future *trale_future_of_(struct trale_future *future)
{
    return future;
}

#endif
