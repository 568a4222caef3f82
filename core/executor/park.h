/* SPDX-License-Identifier: MIT
 *
 * How an executor sleeps, and how other threads interrupt its sleep: in epoll if one thread polls tasks and waits for
 * events, else on a futex. */
#ifndef CORE_EXECUTOR_PARK_H
#define CORE_EXECUTOR_PARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PARK_LOOK UINT64_C(0)
#define PARK_NO_LIMIT UINT64_MAX

struct park {
    /* Sleeps until an interrupt or until a task may have been woken, for `limit_ns` at most; may also return without a
     * cause. With PARK_LOOK it does not sleep, but only wakes the tasks whose events have come. all_tasks_ran: no task
     * is runnable, so what no task waits for is not wanted. [executor] */
    void (*wait)(void *data, uint64_t limit_ns, bool all_tasks_ran);
    /* Ends the current sleep or the next one. After it the caller touches nothing. [any] */
    void (*interrupt)(void *data);
    /* Between two turns (executor_turn): has another event loop call the next turn when `wait` has something to do, or
     * after `limit_ns`. NULL: there are no turns. [executor] */
    void (*rest)(void *data, uint64_t limit_ns);
    /* The number of interrupts since the beginning. [executor] */
    uint64_t (*n_interrupts)(void *data);
    void *data;
};

/* A park on a futex, for an executor whose reactor has a thread of its own. */
struct futex_park {
    _Atomic uint32_t posted;
    uint32_t seen;
    uint64_t n_interrupts; /* as of `seen` */
};
void futex_park_wait(void *futex_park, uint64_t limit_ns, bool all_tasks_ran);
void futex_park_interrupt(void *futex_park);
uint64_t futex_park_n_interrupts(void *futex_park);

#endif
