/* SPDX-License-Identifier: MIT
 *
 * A fiber's poll switches onto its stack, and the body runs there until it has to wait or returns; then it switches
 * back, and the poll goes on. While the body waits, nobody has to go there to ask: the future that it awaits is polled
 * again from outside, where the poller is, and only its result is brought in. What stands between inside and outside is
 * `struct fiber_run`, at the upper end of the stack itself, so that a fiber needs no other memory.
 *
 * Cancellation is the same switch. The drop of a future comes after that of what it awaits, so all that is left to do
 * is to let the body go on with -ECANCELED, and with `canceled` set no await ever switches out again before the body
 * has returned.
 */
#include <trale/fiber.h>

#include <stdbool.h>

#include "core/executor/executor.h"
#include "core/fiber/stack.h"
#include "core/fiber/switch.h"

#define N_PLACES 16u
#define PLACE_BYTES 192u

struct fiber_run {
    struct fiber_switch context;
    struct fiber_stack stack;
    struct trale_fiber *fiber;
    struct trale_context *poll; /* of the poll that is under way */
    struct executor *executor;  /* whose poll or drop is under way; may be NULL */
    int64_t result;             /* of the last await, and at last of the body */
    bool canceled;
    bool done;
};

/* --- whose body runs ---------------------------------------------------------------------------------------------- */

/* A body may find itself on another thread after each switch, so the address of this must not be kept across one: the
 * functions keep the compiler from it. */
static _Thread_local struct fiber_run *fiber_on_thread __attribute__((tls_model("initial-exec")));

static __attribute__((noinline)) void fiber_enter(struct fiber_run *run)
{
    fiber_on_thread = run;
    __asm__ volatile("" ::: "memory");
}

/* NULL also where the body has called another executor, whose task now runs. */
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
    run->done = true;
}

/* What a stack is larger than configured: the run, wherever it is placed, takes nothing from the body. */
#define FIBER_ROOM (sizeof(struct fiber_run) + N_PLACES * PLACE_BYTES + 64)

/* Where the run stands, from the bottom. What is used of a stack is its upper end. If that were at the same place of a
 * page on each, the stacks of a thousand fibers would displace each other from the few cache lines that such an address
 * may be in, and a switch would take half as long again. So they are staggered, within the page. */
static size_t fiber_place(struct fiber_stack stack)
{
    size_t place = (uintptr_t)stack.bottom / 4096 % N_PLACES;
    return (stack.size - sizeof(struct fiber_run) - place * PLACE_BYTES) / 64 * 64;
}

static struct fiber_run *fiber_begin(struct trale_fiber *fiber)
{
    struct fiber_stack stack;
    if (fiber_stack_get(fiber_stacks(), FIBER_ROOM, &stack) < 0)
        return NULL;
    size_t size = fiber_place(stack);
    struct fiber_run *run = (struct fiber_run *)(void *)(stack.bottom + size);
    run->stack = stack;
    run->fiber = fiber;
    run->canceled = run->done = false;
    fiber_switch_init(&run->context, stack.bottom, size, fiber_main, run);
    fiber->run = run;
    return run;
}

static int64_t fiber_end(struct fiber_run *run)
{
    int64_t result = run->result;
    run->fiber->run = NULL;
    fiber_switch_deinit(&run->context);
    fiber_stack_put(fiber_stacks(), FIBER_ROOM, run->stack);
    return result;
}

static void fiber_resume(struct fiber_run *run, struct trale_context *context)
{
    struct fiber_run *outer = fiber_on_thread;
    run->poll = context;
    run->executor = executor_on_thread;
    fiber_enter(run);
    fiber_switch_in(&run->context);
    fiber_enter(outer);
}

int64_t trale_fiber_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_fiber *fiber = (struct trale_fiber *)(void *)future;
    struct fiber_run *run = fiber->run;
    if (run == NULL)
        run = fiber_begin(fiber);
    if (run == NULL)
        return -ENOMEM;
    if (future->awaiting != NULL) {
        int64_t result = trale_future_await(future->awaiting, context);
        if (result == TRALE_PENDING)
            return TRALE_PENDING;
        run->result = result;
        future->awaiting = NULL;
    }
    fiber_resume(run, context);
    return run->done ? fiber_end(run) : TRALE_PENDING;
}

void trale_fiber_drop(struct trale_future *future)
{
    struct fiber_run *run = ((struct trale_fiber *)(void *)future)->run;
    if (run == NULL)
        return;
    run->canceled = true;
    fiber_resume(run, NULL);
    fiber_end(run);
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

int64_t trale_fiber_await_at(struct trale_future *future, const struct trale_await_point *at)
{
    struct fiber_run *run = fiber_here();
    if (run == NULL)
        return -EPERM;
    if (future == NULL)
        return -EINVAL;
    if (run->canceled) {
        trale_future_drop(future);
        return -ECANCELED;
    }
    struct trale_future *self = &run->fiber->future;
    self->awaiting = future;
    self->at = at;
    fiber_enter(NULL); /* what is polled is not the body */
    int64_t result = trale_future_await(future, run->poll);
    fiber_enter(run);
    if (result == TRALE_PENDING) {
        run->result = -ECANCELED; /* unless a poll brings another one */
        fiber_switch_out(&run->context);
        return run->result;
    }
    self->awaiting = NULL;
    return result;
}

int64_t trale_fiber_yield_at(const struct trale_await_point *at)
{
    struct fiber_run *run = fiber_here();
    if (run == NULL)
        return -EPERM;
    if (run->canceled)
        return -ECANCELED;
    run->fiber->future.at = at;
    run->poll->waker->table->wake_by_ref(run->poll->waker);
    fiber_switch_out(&run->context);
    return run->canceled ? -ECANCELED : 0;
}
