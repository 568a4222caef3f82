/* SPDX-License-Identifier: MIT
 *
 * Other threads push tasks on a lock-free stack; the executor takes the whole stack at once and reverses it, so that
 * it gets the tasks in the order in which they were pushed.
 *
 * Before it sleeps, the executor replaces the empty stack by INJECTION_ASLEEP. The thread that replaces that mark owes
 * the executor one interrupt; a thread that pushes on anything else touches nothing after the push. So no wake is lost,
 * waking a busy executor costs no system call, and an executor that ends knows how many interrupts are still to come
 * (n_owed). When it has ended, INJECTION_CLOSED takes the place of the empty stack for ever, and pushes fail.
 */
#include "core/executor/inject.h"

#include "core/base/process.h"

#define INJECTION_ASLEEP ((uintptr_t)1)
#define INJECTION_CLOSED ((uintptr_t)2)

void injection_init(struct injection *injection, struct park park)
{
    *injection = (struct injection){.process = process_generation, .park = park};
}

bool injection_push(struct injection *injection, struct trale_task *task)
{
    uintptr_t top = atomic_load_explicit(&injection->top, memory_order_relaxed);
    do {
        if (top == INJECTION_CLOSED)
            return false;
        task->next_injected = top == INJECTION_ASLEEP ? NULL : (struct trale_task *)top;
    } while (!atomic_compare_exchange_weak_explicit(&injection->top, &top, (uintptr_t)task, memory_order_acq_rel,
                                                    memory_order_relaxed));
    /* A child must not interrupt its parent, which counts its interrupts. */
    if (top == INJECTION_ASLEEP && injection->process == process_generation)
        injection->park.interrupt(injection->park.data);
    return true;
}

struct trale_task *injection_take(struct injection *injection)
{
    uintptr_t top = atomic_load_explicit(&injection->top, memory_order_relaxed);
    if (top == INJECTION_EMPTY || top == INJECTION_CLOSED)
        return NULL;
    top = atomic_exchange_explicit(&injection->top, INJECTION_EMPTY, memory_order_acq_rel);
    struct trale_task *first = NULL;
    for (struct trale_task *task = (struct trale_task *)top, *next; task != NULL; task = next) {
        next = task->next_injected;
        task->next_injected = first;
        first = task;
    }
    return first;
}

uintptr_t injection_mark(const struct injection *injection)
{
    return atomic_load(&injection->top);
}

struct trale_task *injection_take_since(struct injection *injection, uintptr_t mark)
{
    return (struct trale_task *)atomic_exchange(&injection->top, mark);
}

bool injection_rest(struct injection *injection)
{
    uintptr_t expected = INJECTION_EMPTY;
    injection->rests = atomic_compare_exchange_strong(&injection->top, &expected, INJECTION_ASLEEP);
    return injection->rests;
}

void injection_rise(struct injection *injection)
{
    uintptr_t expected = INJECTION_ASLEEP;
    if (injection->rests && !atomic_compare_exchange_strong_explicit(&injection->top, &expected, INJECTION_EMPTY,
                                                                     memory_order_acq_rel, memory_order_relaxed))
        injection->n_owed++;
    injection->rests = false;
}

bool injection_sleep(struct injection *injection, uint64_t limit_ns)
{
    if (!injection_rest(injection))
        return false;
    /* injection_stop sets its flag, then looks for ASLEEP; here it is the other way round: one sees the other. */
    bool may_block = !atomic_load(&injection->stopping);
    injection->park.wait(injection->park.data, may_block ? limit_ns : PARK_LOOK, true);
    injection_rise(injection);
    return true;
}

void injection_stop(struct injection *injection)
{
    uintptr_t expected = INJECTION_ASLEEP;
    atomic_store(&injection->stopping, true);
    if (atomic_compare_exchange_strong(&injection->top, &expected, INJECTION_EMPTY))
        injection->park.interrupt(injection->park.data);
}

bool injection_close(struct injection *injection)
{
    uintptr_t expected = INJECTION_EMPTY;
    return atomic_compare_exchange_strong(&injection->top, &expected, INJECTION_CLOSED);
}

void injection_settle(struct injection *injection)
{
    while (injection->park.n_interrupts(injection->park.data) < injection->n_owed)
        injection->park.wait(injection->park.data, PARK_NO_LIMIT, true);
}
