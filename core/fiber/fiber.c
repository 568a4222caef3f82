/* SPDX-License-Identifier: MIT
 *
 * A fiber's poll switches to its stack. The body runs there until it has to wait or returns, then it switches back and
 * the poll returns. While the body waits, polls do not switch: the future that the body awaits is polled from outside,
 * on the caller's stack, and when it has a result the poll switches in and the body goes on with it. What both sides
 * share is `struct fiber_run`, at the upper end of the stack itself, so that a fiber needs no other memory.
 *
 * Cancellation is the same switch. When a future is dropped, the future that it awaits has been dropped before. So the
 * drop of a fiber lets its body go on with -ECANCELED; from then on no await switches out, and the body runs to its
 * end.
 */
#include <trale/fiber.h>

#include <stdbool.h>

#include "core/executor/executor.h"
#include "core/fiber/stack.h"
#include "core/fiber/switch.h"

#define N_PLACES 16u
#define PLACE_BYTES 192u

enum fiber_state {
    FIBER_NEW,      /* No stack; the body has not begun. Left by the first poll. */
    FIBER_RUNNING,  /* The body runs, inside a poll. */
    FIBER_AWAITING, /* The body is switched out until the future in `awaiting` has a result. */
    FIBER_YIELDING, /* The body is switched out until the next poll. */
    FIBER_CANCELED, /* The body runs, inside the drop, and every await of it returns -ECANCELED at once. */
    FIBER_ENDED,    /* The body has returned, or there was no stack for it. Never left. */
};

struct fiber_run {
    struct fiber_switch context;
    struct fiber_stack stack;
    struct trale_fiber *fiber;
    struct trale_context *poll; /* the context of the poll in which the body runs; NULL in a drop */
    struct executor *executor;  /* the executor of that poll or drop; may be NULL */
    int64_t result;             /* of the await that switched out; when the body has ended, its own */
};

/* --- the body that runs on this thread ---------------------------------------------------------------------------- */

/* After each switch a body may be on another thread, so the address of this variable must not be kept across a switch:
 * the functions that use it are not inlined. */
static _Thread_local struct fiber_run *fiber_on_thread __attribute__((tls_model("initial-exec")));

static __attribute__((noinline)) void fiber_enter(struct fiber_run *run)
{
    fiber_on_thread = run;
    __asm__ volatile("" ::: "memory");
}

/* NULL also if the body blocks on another executor, and a task of that one calls. */
static __attribute__((noinline)) struct fiber_run *fiber_here(void)
{
    __asm__ volatile("" ::: "memory");
    struct fiber_run *run = fiber_on_thread;
    return run != NULL && run->executor == executor_on_thread ? run : NULL;
}

/* --- outside ------------------------------------------------------------------------------------------------------ */

static struct fiber_stacks *fiber_stacks(void)
{
    return executor_on_thread != NULL ? fiber_stacks_of(executor_on_thread->context.runtime) : NULL;
}

static void fiber_main(void *data)
{
    struct fiber_run *run = data;
    run->result = run->fiber->body(run->fiber->data);
    run->fiber->state = FIBER_ENDED;
}

/* How much larger a stack is than configured: the run, wherever it is placed, takes nothing from the body. */
#define FIBER_ROOM (sizeof(struct fiber_run) + N_PLACES * PLACE_BYTES + 64)

/* Where the run is placed, from the bottom of the stack. A body uses the upper end of its stack. If that were at the
 * same offset in a page on each stack, the stacks of a thousand fibers would compete for the few cache lines of that
 * offset, and a switch would take half as long again. So the places differ, within a page. */
static size_t fiber_place(struct fiber_stack stack)
{
    size_t place = (uintptr_t)stack.bottom / 4096 % N_PLACES;
    return (stack.size - sizeof(struct fiber_run) - place * PLACE_BYTES) / 64 * 64;
}

static int fiber_begin(struct trale_fiber *fiber)
{
    struct fiber_stack stack;
    if (fiber_stack_get(fiber_stacks(), FIBER_ROOM, &stack) < 0)
        return -ENOMEM;
    size_t size = fiber_place(stack);
    struct fiber_run *run = (struct fiber_run *)(void *)(stack.bottom + size);
    run->stack = stack;
    run->fiber = fiber;
    fiber_switch_init(&run->context, stack.bottom, size, fiber_main, run);
    fiber->run = run;
    return 0;
}

static int64_t fiber_end(struct fiber_run *run)
{
    int64_t result = run->result;
    run->fiber->run = NULL;
    fiber_switch_deinit(&run->context);
    fiber_stack_put(fiber_stacks(), FIBER_ROOM, run->stack);
    return result;
}

/* Lets the body go on: the await in which it was switched out returns `result`. */
static void fiber_resume(struct fiber_run *run, enum fiber_state state, int64_t result, struct trale_context *context)
{
    struct fiber_run *outer = fiber_on_thread;
    run->fiber->state = state;
    run->result = result;
    run->poll = context;
    run->executor = executor_on_thread;
    fiber_enter(run);
    fiber_switch_in(&run->context);
    fiber_enter(outer);
}

int64_t trale_fiber_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_fiber *fiber = (struct trale_fiber *)(void *)future;
    int64_t result = 0;
    if (fiber->state == FIBER_NEW && fiber_begin(fiber) < 0) {
        fiber->state = FIBER_ENDED;
        return -ENOMEM;
    }
    if (fiber->state == FIBER_AWAITING) {
        result = trale_future_await(future->awaiting, context);
        if (result == TRALE_PENDING)
            return TRALE_PENDING;
        future->awaiting = NULL;
    }
    fiber_resume(fiber->run, FIBER_RUNNING, result, context);
    return fiber->state == FIBER_ENDED ? fiber_end(fiber->run) : TRALE_PENDING;
}

void trale_fiber_drop(struct trale_future *future)
{
    struct trale_fiber *fiber = (struct trale_fiber *)(void *)future;
    if (fiber->state == FIBER_NEW)
        return;
    fiber_resume(fiber->run, FIBER_CANCELED, -ECANCELED, NULL);
    fiber_end(fiber->run);
}

struct trale_future *trale_fiber_make(struct trale_fiber *fiber, const struct trale_future_type *type,
                                      int64_t (*body)(void *data), void *data)
{
    *fiber = (struct trale_fiber){.future = {.type = type}, .body = body, .data = data};
    return &fiber->future;
}

/* --- inside ------------------------------------------------------------------------------------------------------- */

struct trale_fiber *trale_fiber_current(void)
{
    struct fiber_run *run = fiber_here();
    return run != NULL ? run->fiber : NULL;
}

int *trale_errno_location(void)
{
    return &errno;
}

/* Switches out, and returns what the poll or drop that switches in again gives to fiber_resume. */
static int64_t fiber_leave(struct fiber_run *run, enum fiber_state state)
{
    run->fiber->state = state;
    fiber_switch_out(&run->context);
    return run->result;
}

static void fiber_tell_canceled(const struct fiber_run *run, const struct trale_await_point *at)
{
    if (run->executor != NULL)
        HOOKS_CALL(run->executor->hooks, canceled_fiber_awaits, &run->fiber->future, at);
}

int64_t trale_fiber_await_at(struct trale_future *future, const struct trale_await_point *at)
{
    struct fiber_run *run = fiber_here();
    if (run == NULL)
        return -EPERM;
    if (future == NULL)
        return -EINVAL;
    struct trale_future *self = &run->fiber->future;
    int64_t result = -ECANCELED;
    fiber_enter(NULL); /* what the future calls is not the body */
    if (run->fiber->state == FIBER_CANCELED) {
        fiber_tell_canceled(run, at);
        trale_future_drop(future);
    } else {
        self->awaiting = future;
        self->at = at;
        result = trale_future_await(future, run->poll);
    }
    fiber_enter(run);
    if (result == TRALE_PENDING)
        return fiber_leave(run, FIBER_AWAITING);
    self->awaiting = NULL;
    return result;
}

int64_t trale_fiber_yield_at(const struct trale_await_point *at)
{
    struct fiber_run *run = fiber_here();
    if (run == NULL)
        return -EPERM;
    if (run->fiber->state == FIBER_CANCELED) {
        fiber_tell_canceled(run, at);
        return -ECANCELED;
    }
    run->fiber->future.at = at;
    run->poll->waker->table->wake_by_ref(run->poll->waker);
    return fiber_leave(run, FIBER_YIELDING);
}
