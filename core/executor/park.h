/* SPDX-License-Identifier: MIT
 *
 * How an executor sleeps, and how other threads end its sleep: in epoll where one thread does both, else on a futex. */
#ifndef CORE_EXECUTOR_PARK_H
#define CORE_EXECUTOR_PARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct park {
    /* Sleeps until an interrupt, or anything else that may have woken a task, or nothing; without may_block only looks.
     * [executor] */
    void (*wait)(void *data, bool may_block);
    /* Ends the sleep that is or the next one. After it the caller touches nothing. [any] */
    void (*interrupt)(void *data);
    /* How many interrupts have come, from the beginning on. [executor] */
    uint64_t (*n_interrupts)(void *data);
    void *data;
};

/* The futex kind, for an executor whose reactor has a thread of its own. */
struct futex_park {
    _Atomic uint32_t posted;
    uint32_t seen;
    uint64_t n_interrupts; /* as of `seen` */
};
void futex_park_wait(void *futex_park, bool may_block);
void futex_park_interrupt(void *futex_park);
uint64_t futex_park_n_interrupts(void *futex_park);

#endif
