/* SPDX-License-Identifier: MIT
 *
 * Async functions, in GNU C11. trale.h includes this header where the language is C. C++ has no such jumps: there,
 * futures are written by hand (future.h).
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
#ifndef TRALE_ASYNC_H
#define TRALE_ASYNC_H

#include <trale/future.h>

#ifdef __cplusplus
#error "async functions are GNU C11; in C++ write futures by hand, see trale/future.h"
#endif

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
    static_assert(offsetof(struct name, future) == 0, "struct trale_future future; is a frame's first member");        \
    static_assert(_Alignof(struct name) <= _Alignof(max_align_t), "tasks' frames are aligned as malloc(3) has it");    \
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
#define trale_call(name, ...) trale_call_(name, __VA_ARGS__, )
#define trale_call_(name, frame, ...)                                                                                  \
    trale_future_of_(&(*(frame) = (struct name){.future = {.type = &name##_type}, __VA_ARGS__}, (frame))->future)

#endif
