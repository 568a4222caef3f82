/* SPDX-License-Identifier: MIT
 *
 * How an executor sleeps, and how other threads end its sleep: in epoll where one thread does both, else on a futex. */
#ifndef TRALE_CORE_PARK_H
#define TRALE_CORE_PARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct park {
    /* Sleeps until an interrupt, or anything else that may have woken a task; without may_block only looks. Returns how
     * many interrupts it took in: each is counted exactly once. [executor] */
    uint64_t (*wait)(void *data, bool may_block);
    /* Ends the sleep that is or the next one. After it the caller touches nothing. [any] */
    void (*interrupt)(void *data);
    void *data;
};

/* The futex kind, for an executor whose reactor has a thread of its own. */
struct futex_park {
    _Atomic uint32_t posted;
    uint32_t taken;
};
uint64_t futex_park_wait(void *futex_park, bool may_block);
void futex_park_interrupt(void *futex_park);

#endif
