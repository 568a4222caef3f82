/* SPDX-License-Identifier: MIT
 *
 * Fibers. A fiber is a future whose body runs on a stack of its own, so that awaiting is an expression, works in every
 * function that the body calls, and locals survive it:
 *
 *     static int64_t ask(void *data)
 *     {
 *         struct trale_udp_socket *socket = data;
 *         struct trale_udp_recv recv;
 *         struct trale_timeout timeout;
 *         char buf[512];
 *         for (int n = 0; n < 3; n++) {
 *             int64_t length = trale_fiber_await(
 *                 trale_timeout(&timeout, trale_udp_recv(&recv, socket, buf, sizeof buf), TRALE_SECOND));
 *             if (length != -ETIMEDOUT)
 *                 return length;
 *         }
 *         return -ETIMEDOUT;
 *     }
 *
 *     task = trale_fiber_spawn(runtime, ask, socket);         a task of its own
 *     trale_await(trale_fiber(&self->fiber, ask, socket));    or a future like any other, in an async function,
 *                                                             in a race, with a timeout, in another fiber
 *
 * A fiber awaits the same futures, with the same wakers, as an async function does. It costs a stack, from its first
 * poll until its body returns: [runtime] fiber_stack in trale.ini says how large, and memory is used as far as the body
 * has gone down at some time. Below each stack are 64 KiB of address space that fault when they are touched, so that a
 * body which goes too deep ends in SIGSEGV and not in the next stack. A single frame of more than 64 KiB can reach
 * across them, unless it is compiled with -fstack-clash-protection. How much a call needs is not visible from outside;
 * printf(3) takes 3 KiB. Each stack is two of the process's mappings, of which the kernel allows 65530
 * (vm.max_map_count, proc(5)).
 *
 * CANCELLATION. When a fiber is dropped while its body waits, the future that the body awaits is dropped, and then the
 * body goes on, in the drop: that await returns -ECANCELED, and so does every later one, at once, without polling its
 * future. So a body cleans up as C does, on its way out; when it has returned, its stack is given back and its result
 * is lost. A body that never returns after that hangs its runtime. No result is lost on the way: when a future that a
 * body awaits has a result, that await returns it before the fiber can be dropped. A fiber that is dropped before its
 * first poll never runs its body. A body that awaits a task and may be dropped keeps the handle by trale_join_by_ref.
 *
 * THREADS. A body runs on the thread that polls its runtime: with [runtime] threads = 0 that may be another thread
 * after each await. So no lock of a thread (pthread_mutex_lock(3)) may be held across an await, and no address of a
 * thread-local variable kept; compilers keep the address of errno, so a body that reads or sets errno on both sides of
 * an await uses trale_errno. A signal mask that the body sets is the thread's, and stays with the thread.
 * trale_current() is the runtime. Calls that are refused inside a task (-EDEADLK) are refused inside a fiber as well. A
 * body must not be left by longjmp(3). In C++ a body may throw what it catches itself; but it must not await inside a
 * handler (`catch`), because C++ keeps the exceptions that are being handled for each thread.
 */
#ifndef TRALE_FIBER_H
#define TRALE_FIBER_H

#include <trale/scope.h>

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A fiber. All members but `future` are the runtime's. Its size is part of the ABI, since frames contain fibers. */
struct trale_fiber {
    struct trale_future future; /* `awaiting` is what the body awaits, `at` where */
    int64_t (*body)(void *data);
    void *data;
    void *run; /* on its stack; NULL while it has none */
    uint32_t state;
    uint32_t reserved;
};

/* struct trale_future *trale_fiber(struct trale_fiber *fiber, int64_t (*body)(void *data), void *data)
 *
 * Makes *fiber a future that runs body(data) and resolves to what the body returns (any value but TRALE_PENDING), or
 * to -ENOMEM if there is no stack for it, and then the body does not run. `body` as it is written is its name in
 * backtraces and messages. `data` is lent until the fiber has resolved or was dropped; the caller releases it, since
 * a body that is dropped before its first poll never sees it. Allocates nothing. [any] */
#define trale_fiber(fiber, body, data) trale_fiber_make((fiber), trale_fiber_type_(#body), (body), (data))

/* struct trale_task *trale_fiber_spawn(struct trale *runtime, int64_t (*body)(void *data), void *data)
 *
 * Starts a task that is a fiber; as trale_spawn. A struct that begins with a fiber may be spawned as well, by
 * trale_spawn_frame(runtime, trale_fiber(&frame.fiber, body, NULL), sizeof frame): it is copied into the task, and the
 * body finds it by trale_fiber_current(). */
#define trale_fiber_spawn(runtime, body, data)                                                                         \
    trale_fiber_spawn_as_((runtime), trale_fiber_type_(#body), (body), (data))

/* int trale_scope_spawn_fiber(struct trale_scope *scope, int64_t (*body)(void *data), void *data)
 *
 * Starts a task of the scope that is a fiber; as trale_scope_spawn (scope.h). A scope's body may be a fiber as well. */
#define trale_scope_spawn_fiber(scope, body, data)                                                                     \
    trale_scope_spawn_fiber_as_((scope), trale_fiber_type_(#body), (body), (data))

/* int64_t trale_fiber_await(struct trale_future *future)
 *
 * Waits for a future that has not begun, and returns its result; the memory of the future may be a local variable. To
 * be called by the body of a fiber, at any depth of calls. Awaits are as fair as trale_await. Besides the result of the
 * future it returns
 *     -ECANCELED  the fiber was dropped; the future, which had no result, was dropped as well
 *     -EPERM      no body of a fiber calls: the call is outside of every fiber, or in an async function that a fiber
 *                 awaits (use trale_await there), or in a task of another runtime on which the body blocks. The future
 *                 is untouched
 *     -EINVAL     `future` is NULL */
#define trale_fiber_await(future) trale_fiber_await_at((future), trale_fiber_point_(#future))

/* int64_t trale_fiber_yield(void)
 *
 * Lets every other runnable task go first. 0, or -ECANCELED, -EPERM as trale_fiber_await. */
#define trale_fiber_yield() trale_fiber_yield_at(trale_fiber_point_("trale_fiber_yield()"))

/* The fiber whose body calls, or NULL where trale_fiber_await would return -EPERM. [any] */
TRALE_API struct trale_fiber *trale_fiber_current(void);

/* errno of the thread that runs now, as a variable; its address is looked up at each use. [any] */
#define trale_errno (*trale_errno_location())
TRALE_API int *trale_errno_location(void);

/* The functions behind the macros. */
#define trale_fiber_type_(name)                                                                                        \
    __extension__({                                                                                                    \
        static const struct trale_future_type trale_type_ = {sizeof trale_type_, TRALE_ABI, name, trale_fiber_poll,    \
                                                             trale_fiber_drop};                                        \
        &trale_type_;                                                                                                  \
    })
#define trale_fiber_point_(text)                                                                                       \
    __extension__({                                                                                                    \
        static const struct trale_await_point trale_point_ = {NULL, text, __FILE__, __LINE__};                         \
        &trale_point_;                                                                                                 \
    })
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_fiber_make(struct trale_fiber *fiber,
                                                                   const struct trale_future_type *type,
                                                                   int64_t (*body)(void *data), void *data);
TRALE_CHECK_RESULT static inline struct trale_task *trale_fiber_spawn_as_(struct trale *runtime,
                                                                          const struct trale_future_type *type,
                                                                          int64_t (*body)(void *data), void *data)
{
    struct trale_fiber fiber;
    return trale_spawn_frame(runtime, trale_fiber_make(&fiber, type, body, data), sizeof fiber);
}
TRALE_CHECK_RESULT static inline int trale_scope_spawn_fiber_as_(struct trale_scope *scope,
                                                                 const struct trale_future_type *type,
                                                                 int64_t (*body)(void *data), void *data)
{
    struct {
        struct trale_scope_child child;
        struct trale_fiber fiber;
    } frame;
    memset(&frame.child, 0, sizeof frame.child);
    frame.child.future.awaiting = trale_fiber_make(&frame.fiber, type, body, data);
    return trale_scope_spawn_frame(scope, &frame.child, sizeof frame);
}
TRALE_API int64_t trale_fiber_poll(struct trale_future *future, struct trale_context *context);
TRALE_API void trale_fiber_drop(struct trale_future *future);
TRALE_API int64_t trale_fiber_await_at(struct trale_future *future, const struct trale_await_point *at);
TRALE_API int64_t trale_fiber_yield_at(const struct trale_await_point *at);

static_assert(sizeof(struct trale_fiber) == 64, "part of frames");

#ifdef __cplusplus
}
#endif

#endif
