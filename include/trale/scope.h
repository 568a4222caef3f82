/* SPDX-License-Identifier: MIT
 *
 * Structured concurrency: a scope is a future that is over when everything that was started in it is over.
 *
 *     struct serve { struct trale_future future; struct trale_scope *scope; ... };
 *     trale_async(serve)                                  the scope's body: starts children
 *     {
 *         trale_begin();
 *         ...
 *             trale_scope_spawn(self->scope, session, .client = client);
 *         ...
 *     }
 *
 *     trale_await(trale_scope(&self->scope, trale_call(serve, &self->serve, .scope = &self->scope)));
 *
 * Children are tasks, but none outlives the scope: it resolves when its body and all children have, and when it is
 * dropped, they are dropped before it is gone. The first error, a negative result of the body or of a child, ends all
 * the others and is the scope's result. A deadline for all of it is a timeout around it (timer.h); scopes may stand in
 * scopes, timeouts, races.
 */
#ifndef TRALE_SCOPE_H
#define TRALE_SCOPE_H

#include <trale/trale.h>

struct trale_scope_child;
struct trale_scope {
    struct trale_future future; /* `awaiting` is the body */
    struct trale *runtime;      /* from the first poll to the end */
    const struct trale_waker *waker;
    struct trale_link children;
    int64_t error;  /* the first, or 0 */
    int64_t result; /* the body's */
};

/* The future that runs `body`, resolves to its result when all children have resolved as well, or to the first error.
 * When an error comes, what is left is dropped, the children in the order in which they came, and the body first. */
TRALE_CHECK_RESULT TRALE_API struct trale_future *trale_scope(struct trale_scope *scope, struct trale_future *body);

/* trale_scope_spawn(scope, name, .member = value, ...) starts a task of the scope that runs the async function `name`;
 * a result >= 0 is lost. 0, or -ENOMEM, -ECANCELED (an error ends the scope, or the runtime closes), -EINVAL (the scope
 * has not begun, or is over, or is not of the runtime whose task calls). [executor thread: in the body, in children] */
#define trale_scope_spawn(scope, name, ...)                                                                            \
    trale_scope_spawn_frame(                                                                                           \
        (scope), &(trale_scope_frame_(name)){.frame = {.future = {.type = &name##_type}, __VA_ARGS__}}.child,          \
        sizeof(trale_scope_frame_(name)))

/* Ends the scope as an error would: it resolves to -ECANCELED. Does nothing after an error or the end.
 * [as trale_scope_spawn] */
TRALE_API void trale_scope_cancel(struct trale_scope *scope);

/* A child's head; its frame follows. trale_scope_spawn makes both, and they are copied into a task. */
struct trale_scope_child {
    struct trale_future future; /* `awaiting` is the frame behind, while the child lives */
    struct trale_scope *scope;  /* NULL when it has left */
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

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(struct trale_scope) == 80, "frozen: stands in frames");
_Static_assert(sizeof(struct trale_scope_child) == 64, "frozen: stands before frames, and keeps their alignment");
#endif

#endif
