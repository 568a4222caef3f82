/* SPDX-License-Identifier: MIT
 *
 * The scope has a list of its children, through their heads, which precede their frames in the memory of the tasks. A
 * child that is done removes itself. To end the others, the scope drops their frames itself, at once, and leaves the
 * empty tasks to the executor.
 *
 * It does this in its own poll or drop, never in a child's: a future cannot be dropped during its poll. A child that
 * fails stores the error in the scope and wakes it. */
#include <trale/scope.h>

#include <errno.h>

#include "core/base/list.h"
#include "core/executor/executor.h"

static void child_leave(struct trale_scope_child *child)
{
    child->scope = NULL;
    list_remove(&child->link);
    trale_detach(child->task);
}

static void scope_wake(struct trale_scope *scope)
{
    scope->waker->table->wake_by_ref(scope->waker);
}

static void scope_fail(struct trale_scope *scope, int64_t error)
{
    if (scope->error == 0)
        scope->error = error;
}

static void child_end(struct trale_scope_child *child, int64_t result)
{
    struct trale_scope *scope = child->scope;
    child_leave(child);
    if (result < 0)
        scope_fail(scope, result);
    if (result < 0 || list_is_empty(&scope->children))
        scope_wake(scope);
}

static int64_t child_poll(struct trale_future *future, struct trale_context *context)
{
    int64_t result = trale_future_poll(future->awaiting, context);
    if (result == TRALE_PENDING)
        return TRALE_PENDING;
    future->awaiting = NULL;
    child_end((struct trale_scope_child *)(void *)future, result);
    return result;
}

/* The child's frame has been dropped before. */
static void child_drop(struct trale_future *future)
{
    struct trale_scope_child *child = (struct trale_scope_child *)(void *)future;
    if (child->scope != NULL)
        child_end(child, -ECANCELED);
}

static struct trale_future *child_frame(struct trale_scope_child *child)
{
    return (struct trale_future *)(void *)(child + 1);
}

static void scope_adopt(struct trale_scope *scope, struct trale_scope_child *child, struct trale_task *task)
{
    child->task = task;
    child->future.awaiting = child_frame(child);
    list_append(&scope->children, &child->link);
}

int trale_scope_spawn_frame(struct trale_scope *scope, struct trale_scope_child *child, size_t size)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_scope_spawn", child_poll, child_drop};
    if (scope->error < 0)
        return -ECANCELED;
    if (scope->runtime == NULL || scope->runtime != trale_current() || size < sizeof *child + sizeof child->future)
        return -EINVAL;
    if (atomic_load_explicit(&executor_on_thread->injection.stopping, memory_order_relaxed)) {
        trale_scope_cancel(scope); /* first: the frame's cleanup may spawn again */
        trale_future_drop(child_frame(child));
        return -ESHUTDOWN;
    }
    child->future.type = &type;
    child->scope = scope;
    struct trale_task *task = trale_spawn_frame(scope->runtime, &child->future, size);
    if (task == NULL)
        return -ENOMEM;
    scope_adopt(scope, (struct trale_scope_child *)(void *)task_future(task), task);
    return 0;
}

/* --- the scope ---------------------------------------------------------------------------------------------------- */

static void scope_drop_children(struct trale_scope *scope)
{
    if (scope->children.next == NULL) /* it was never polled */
        return;
    while (!list_is_empty(&scope->children)) {
        struct trale_scope_child *child = list_entry(scope->children.next, struct trale_scope_child, link);
        struct trale_future *frame = child->future.awaiting;
        trale_abort(child->task);
        child->future.awaiting = NULL;
        child_leave(child);
        trale_future_drop(frame);
    }
}

/* After its end, a scope to which a pointer is left must start no child, which it would not drop, and wake no task: the
 * waker was only lent. */
static int64_t scope_end(struct trale_scope *scope, int64_t result)
{
    scope_fail(scope, -ECANCELED);
    scope->runtime = NULL;
    scope->waker = NULL;
    return result;
}

static int64_t scope_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_scope *scope = (struct trale_scope *)(void *)future;
    scope->waker = context->waker;
    scope->runtime = context->runtime;
    if (scope->children.next == NULL)
        list_init(&scope->children);
    if (future->awaiting != NULL && scope->error == 0) {
        int64_t result = trale_future_poll(future->awaiting, context);
        if (result != TRALE_PENDING) {
            future->awaiting = NULL;
            scope->result = result;
        }
        if (result != TRALE_PENDING && result < 0)
            scope_fail(scope, result);
    }
    if (scope->error < 0) {
        struct trale_future *body = future->awaiting;
        future->awaiting = NULL;
        if (body != NULL)
            trale_future_drop(body);
        scope_drop_children(scope);
        return scope_end(scope, scope->error);
    }
    return future->awaiting == NULL && list_is_empty(&scope->children) ? scope_end(scope, scope->result)
                                                                       : TRALE_PENDING;
}

static void scope_drop(struct trale_future *future)
{
    struct trale_scope *scope = (struct trale_scope *)(void *)future;
    scope_fail(scope, -ECANCELED);
    scope_drop_children(scope);
    scope_end(scope, -ECANCELED);
}

struct trale_future *trale_scope(struct trale_scope *scope, struct trale_future *body)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_scope", scope_poll, scope_drop};
    *scope = (struct trale_scope){.future = {.type = &type, .awaiting = body}};
    return &scope->future;
}

void trale_scope_cancel(struct trale_scope *scope)
{
    scope_fail(scope, -ECANCELED);
    if (scope->waker != NULL)
        scope_wake(scope);
}
