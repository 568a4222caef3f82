/* SPDX-License-Identifier: MIT
 *
 * How tasks come to an executor from other threads, and how it sleeps until one does. */
#ifndef CORE_EXECUTOR_INJECT_H
#define CORE_EXECUTOR_INJECT_H

#include "core/executor/park.h"
#include "core/executor/task.h"

struct injection {
    _Atomic uintptr_t top; /* a stack of tasks, or INJECTION_EMPTY, INJECTION_ASLEEP or INJECTION_CLOSED */
    _Atomic bool stopping; /* the executor must not sleep any more */
    uint32_t process;      /* process_generation of the one whose threads sleep here */
    struct park park;
    uint64_t n_owed; /* interrupts that other threads have promised. [executor] */
    bool rests;      /* between injection_rest and injection_rise. [executor] */
};

void injection_init(struct injection *injection, struct park park);

#define INJECTION_EMPTY ((uintptr_t)0)

/* Whether nothing was pushed that was not taken; another thread may push at any time. [executor, awake] */
static inline bool injection_is_empty(const struct injection *injection)
{
    return atomic_load_explicit(&injection->top, memory_order_relaxed) == INJECTION_EMPTY;
}

/* Pushes a task that is marked TASK_INJECTED, with a reference to it. After the push the caller does nothing more with
 * the task or the executor, but for the interrupt that it may owe. False, and the reference is still the caller's, if
 * the injection is closed. [any] */
bool injection_push(struct injection *injection, struct trale_task *task);

/* Takes all tasks, in the order in which they were pushed, linked by next_injected; NULL: none. The caller owns their
 * references. [executor] */
struct trale_task *injection_take(struct injection *injection);

/* Takes the tasks that were pushed after the mark, the last one first, linked by next_injected up to the mark itself.
 * To be called before the executor runs. */
uintptr_t injection_mark(const struct injection *injection);
struct trale_task *injection_take_since(struct injection *injection, uintptr_t mark);

/* Sleeps for `limit_ns` at most (park.h), unless something was pushed or injection_stop called; false if it did not.
 * [executor] */
bool injection_sleep(struct injection *injection, uint64_t limit_ns);

/* The two halves of a sleep, for an executor that lets its thread go in between. injection_rest: from now on a thread
 * that pushes, or calls injection_stop, interrupts. False: something was pushed, and there is no rest. injection_rise
 * ends the rest, if there is one. [executor] */
bool injection_rest(struct injection *injection);
void injection_rise(struct injection *injection);

/* Ends the present sleep, or else the next one, and all later ones. [any] */
void injection_stop(struct injection *injection);

/* Closes an empty injection: all pushes fail from then on. False if it is not empty. [executor] */
bool injection_close(struct injection *injection);

/* Waits for the interrupts that are still owed: after it no thread that has pushed touches the injection.
 * [executor] */
void injection_settle(struct injection *injection);

#endif
