/* SPDX-License-Identifier: MIT
 *
 * Structured concurrency: a scope is a future that resolves when everything that was started in it is done.
 *
 *     struct serve { struct trale_future future; struct trale_scope *scope; ... };
 *     trale_async(serve)                                  the scope's body: starts children
 *     {
 *         trale_begin();
 *         ...
 *             int r = trale_scope_spawn(self->scope, session, .client = client);
 *         ...
 *     }
 *
 *     trale_await(trale_scope(&self->scope, trale_call(serve, &self->serve, .scope = &self->scope)));
 *
 * Children are tasks, but no child outlives the scope: the scope resolves when its body and all children have resolved,
 * and when it is dropped, it drops them first. The first error, a negative result of the body or of a child, ends all
 * the others and is the scope's result. A deadline for all of it is a timeout around the scope (timer.h). Scopes may be
 * nested in scopes, timeouts and races.
 */
#ifndef TRALE_SCOPE_H
#define TRALE_SCOPE_H

#include <trale/trale.h>

#ifdef __cplusplus
extern "C" {
#endif

struct trale_scope_child;
struct trale_scope {
    struct trale_future future; /* `awaiting` is the body */
    struct trale *runtime;      /* NULL before the first poll and after the end */
    const struct trale_waker *waker;
    struct trale_link children;
    int64_t error;  /* the first error, 0 as long as there is none; negative after the end */
    int64_t result; /* the body's */
};

/* A future that runs `body`. It resolves to the result of the body when all children have resolved too, or to the first
 * error. At an error it drops the body first, then the children that are left, in the order in which they were
 * spawned. It polls the body in its own first poll. A body that is NULL has the result 0, and so has the scope. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_scope(struct trale_scope *scope, struct trale_future *body);

/* trale_scope_spawn(scope, name, .member = value, ...) starts a task of the scope that runs the async function `name`;
 * a result >= 0 is lost. Returns 0, or, and then the frame is untouched and what its members own is still the caller's:
 *     -ECANCELED  an error has ended the scope, or the scope is over
 *     -EINVAL     the scope has not begun, or belongs to another runtime than the caller
 *     -ENOMEM
 * or -ESHUTDOWN: the runtime closes; the frame was dropped, so its cleanup has run, and the scope is cancelled.
 * A caller that must release something when the child does not start does so for any error but -ESHUTDOWN.
 * [in the body and in children, and in their cleanup functions] */
#ifndef __cplusplus
#define trale_scope_spawn(scope, ...) trale_scope_spawn_((scope), __VA_ARGS__, )
#define trale_scope_spawn_(scope, name, ...)                                                                           \
    trale_scope_spawn_frame(                                                                                           \
        (scope), &(trale_scope_frame_(name)){.frame = {.future = {.type = &name##_type}, __VA_ARGS__}}.child,          \
        sizeof(trale_scope_frame_(name)))
#endif

/* Ends the scope like an error: it resolves to -ECANCELED. Does nothing after an error or the end.
 * [as trale_scope_spawn] */
TRALE_API void trale_scope_cancel(struct trale_scope *scope);

/* The head of a child; the child's frame follows. trale_scope_spawn makes both and copies them into a task. */
struct trale_scope_child {
    struct trale_future future; /* `awaiting` is the frame that follows, until the child is done */
    struct trale_scope *scope;  /* NULL when the child has left it */
    struct trale_task *task;
    struct trale_link link;
};
#define trale_scope_frame_(name)                                                                                       \
    struct {                                                                                                           \
        struct trale_scope_child child;                                                                                \
        struct name frame;                                                                                             \
    }
TRALE_CHECK_RESULT TRALE_API int trale_scope_spawn_frame(struct trale_scope *scope, struct trale_scope_child *child,
                                                         size_t size);

/* trale_scope_spawn in C++: trale_scope_spawn(scope, frame), as trale_spawn there. */
#ifdef __cplusplus
extern "C++" template <class Frame>
TRALE_CHECK_RESULT inline int trale_scope_spawn(struct trale_scope *scope, const Frame &frame)
{
    struct {
        struct trale_scope_child child;
        Frame frame;
    } copy = {{}, frame};
    trale_frame_check_<Frame>();
    return trale_scope_spawn_frame(scope, &copy.child, sizeof copy);
}
#endif

static_assert(sizeof(struct trale_scope) == 80, "frozen: part of frames");
static_assert(sizeof(struct trale_scope_child) == 64, "frozen: precedes frames, and keeps their alignment");

#ifdef __cplusplus
}
#endif

#endif
