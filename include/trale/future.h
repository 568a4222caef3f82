/* SPDX-License-Identifier: MIT
 *
 * Futures, wakers and the async macros. Needs libc headers alone.
 *
 * A future is a piece of plain memory that starts with `struct trale_future` and can be asked, again and again, "is
 * the result there?" The asking is `poll`. A future that has no result yet arranges for the waker in its context to be
 * called when asking again makes sense, and answers TRALE_PENDING.
 *
 * An async function is a future whose memory is its frame and whose poll function continues where it stopped:
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
 *             trale_await(trale_sleep(&self->sleep, TRALE_SECOND));
 *         trale_return(self->n);
 *     }
 *
 * THE RULE ABOUT LOCALS. Every await returns from the function and comes back by a jump. What must survive lives in the
 * frame; a local variable does not survive:
 *
 *     wrong                                      right
 *         long n = measure();                        self->n = measure();
 *         trale_await(...);                          trale_await(...);
 *         trale_return(n);      n is garbage         trale_return(self->n);
 *
 * The compilers see it, for the jump is in the open: clang says so for every such variable with
 * -Wconditional-uninitialized, gcc with -Wall from -O1 on (-Wmaybe-uninitialized) for every variable but one that is
 * only ever given one constant, which gcc then uses wherever it stands. Build async code with both. Locals whose life
 * lies between two awaits are fine. Variable-length arrays, and variables with a cleanup attribute, cannot live in an
 * async function at all; a resource belongs in the frame, and trale_async_with() releases it.
 *
 * Where that is too narrow, there are fibers (fiber.h): futures with a stack of their own.
 *
 * trale_await is a statement, its result is read by trale_result(): C compilers do not allow a jump into the middle of
 * an expression (gcc calls it undefined, clang refuses), and a jump is what resuming is. It works inside loops and
 * inside switch.
 */
#ifndef TRALE_FUTURE_H
#define TRALE_FUTURE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#error "trale's headers are C (GNU C11)"
#endif

/* The generation of every layout in these headers. A change that only appends members leaves it alone: `size` tells. */
#define TRALE_ABI 1u

/* What poll answers while there is no result. No other result may have this value. */
#define TRALE_PENDING INT64_MIN

struct trale;
struct trale_future;

/* A place in a list of those that wait. Zeroed, it is in none; its contents belong to the list. */
struct trale_link {
    struct trale_link *next, *previous;
};

/* A waker: how to say that a task should be polled again. It is a pointer to a base whose first member is this table
 * (the layout of async-ffi, so that Rust futures fit without a shim), and the table never changes: it carries no size.
 *
 * A waker is lent to poll in the context, and stays valid until the future resolves, is dropped or is polled again.
 * Who keeps it longer, or hands it to another thread, takes a clone and gives that back by wake or drop, once each.
 * Every member may be called on any thread, at any time until the clone is given back, also when the task is long
 * finished or its runtime closed. None of them allocates, fails, blocks, or calls back into a driver.
 * All memory written before a wake is visible in the poll that it causes. */
struct trale_waker;
struct trale_waker_table {
    /* Another waker for the same task, owned by the caller. */
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
    /* Awaits that may still complete in this poll before the task has to stand in line again: the fairness rule, see
     * trale.h. trale_await() pays one for each; a hand-written future that loops pays by hand. */
    uint32_t budget;
    uint32_t reserved;
};

/* What kind of future it is: one constant per kind. */
struct trale_future_type {
    uint32_t size;    /* sizeof(struct trale_future_type) */
    uint32_t abi;     /* TRALE_ABI */
    const char *name; /* static; shown in backtraces */

    /* Asks for the result: a value >= 0, or a negative errno, or TRALE_PENDING after having seen to it that the
     * context's waker will be called. [executor thread, never re-entrantly] May be called without cause, and then says
     * TRALE_PENDING again. The first call may do no more than arrange for the wake; who gives up on a future that may
     * be ready polls it a second time first. A future that has answered with a result has released everything it held,
     * except its own memory, and is neither polled nor dropped after that. */
    int64_t (*poll)(struct trale_future *future, struct trale_context *context);

    /* Gives up a future that has no result yet, polled or not: it takes its waker back out of wherever it put it, and
     * releases what it holds. The future that it awaits was dropped before. Nothing touches the memory afterwards.
     * NULL where there is nothing to release. [executor thread, or the closing thread; not during its own poll] */
    void (*drop)(struct trale_future *future);
};

/* Where an async function stands: one constant per await, so the frame pays a pointer for it. */
struct trale_await_point {
    const void *resume;     /* the label to jump to */
    const char *expression; /* what is awaited, as written */
    const char *file;
    int64_t line;
};

/* The head of every future. Zeroed but for `type`, it is one that has not begun. */
struct trale_future {
    const struct trale_future_type *type;
    struct trale_future *awaiting;      /* the child it waits for: dropping follows it down, a backtrace too */
    const struct trale_await_point *at; /* where it stands; NULL before the first await and in leaves */
    int64_t result;                     /* of the last await: trale_result() */
};

/* Polls a future. [inside poll, with its context] */
static inline int64_t trale_future_poll(struct trale_future *future, struct trale_context *context)
{
    return future->type->poll(future, context);
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

/* trale_async(name) { body } defines the async function whose frame is `struct name`, in this file. The body sees the
 * frame as `self` and the poll's context as `cx`, starts with trale_begin() and leaves by trale_return().
 *
 * trale_async_with(name, cleanup) also names a function `void cleanup(struct name *self)` that runs exactly once, when
 * the function returns or when it is dropped, whichever comes; dropped means at any await, or before the first. */
#define trale_async(name) trale_async_define_(name, NULL)
#define trale_async_with(name, cleanup)                                                                                \
    static void name##_drop_(struct trale_future *future)                                                              \
    {                                                                                                                  \
        cleanup((struct name *)(void *)future);                                                                        \
    }                                                                                                                  \
    trale_async_define_(name, name##_drop_)

#define trale_async_define_(name, drop_)                                                                               \
    _Static_assert(offsetof(struct name, future) == 0, "struct trale_future future; is a frame's first member");       \
    _Static_assert(_Alignof(struct name) <= _Alignof(max_align_t), "tasks' frames are aligned as malloc(3) has it");   \
    static int64_t name##_body_(struct name *self, struct trale_context *cx);                                          \
    static int64_t name##_poll_(struct trale_future *future, struct trale_context *context)                            \
    {                                                                                                                  \
        return name##_body_((struct name *)(void *)future, context);                                                   \
    }                                                                                                                  \
    static const struct trale_future_type name##_type = {sizeof(struct trale_future_type), TRALE_ABI, #name,           \
                                                         name##_poll_, drop_};                                         \
    static int64_t name##_body_(struct name *self, struct trale_context *cx)

/* The first statement of an async function. */
#define trale_begin()                                                                                                  \
    (void)cx;                                                                                                          \
    const void *trale_resume_ = self->future.at != NULL ? self->future.at->resume : __extension__ && trale_begin_;     \
    goto *trale_resume_;                                                                                               \
    trale_begin_:                                                                                                      \
    (void)0

/* Waits for a future, a `struct trale_future *` or a frame's first member. The expression is evaluated once, right
 * before the first poll. The result is then in trale_result(); when the budget is spent, the task stands in line with
 * it before it goes on. */
#define trale_await(expression)                                                                                        \
    do {                                                                                                               \
        __label__ trale_here_;                                                                                         \
        static const struct trale_await_point trale_point_ = {__extension__ && trale_here_, #expression, __FILE__,     \
                                                              __LINE__};                                               \
        self->future.awaiting = (expression);                                                                          \
        self->future.at = &trale_point_;                                                                               \
    trale_here_:                                                                                                       \
        if (self->future.awaiting != NULL) {                                                                           \
            self->future.result = trale_future_poll(self->future.awaiting, cx);                                        \
            if (self->future.result == TRALE_PENDING)                                                                  \
                return TRALE_PENDING;                                                                                  \
            self->future.awaiting = NULL;                                                                              \
            if (cx->budget < 2) {                                                                                      \
                cx->budget = 0;                                                                                        \
                cx->waker->table->wake_by_ref(cx->waker);                                                              \
                return TRALE_PENDING;                                                                                  \
            }                                                                                                          \
            cx->budget--;                                                                                              \
        }                                                                                                              \
    } while (0)

/* The result of the last await: >= 0, or a negative errno, as a system call has it. */
#define trale_result() (self->future.result)

/* Lets every other runnable task go first. */
#define trale_yield()                                                                                                  \
    do {                                                                                                               \
        __label__ trale_here_;                                                                                         \
        static const struct trale_await_point trale_point_ = {__extension__ && trale_here_, "trale_yield()", __FILE__, \
                                                              __LINE__};                                               \
        self->future.at = &trale_point_;                                                                               \
        cx->waker->table->wake_by_ref(cx->waker);                                                                      \
        return TRALE_PENDING;                                                                                          \
    trale_here_:;                                                                                                      \
    } while (0)

/* Resolves the async function; the value is worked out before the cleanup function runs. */
#define trale_return(value)                                                                                            \
    do {                                                                                                               \
        int64_t trale_value_ = (value);                                                                                \
        if (self->future.type->drop != NULL)                                                                           \
            self->future.type->drop(&self->future);                                                                    \
        return trale_value_;                                                                                           \
    } while (0)

/* trale_call(name, frame, .member = value, ...) makes *frame a call of the async function `name`, not begun, with the
 * other members zero, and is its future, to be awaited; `frame` is evaluated twice. What the frame held before must
 * have resolved or been dropped. */
#define trale_call(name, frame, ...)                                                                                   \
    trale_future_of_(&(*(frame) = (struct name){.future = {.type = &name##_type}, __VA_ARGS__}, (frame))->future)
static inline struct trale_future *trale_future_of_(struct trale_future *future)
{
    return future;
}

#endif
