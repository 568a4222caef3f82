/* SPDX-License-Identifier: MIT
 *
 * futex(2), for which glibc has no function. Waits return for any reason or none; look at the word again. */
#ifndef CORE_BASE_FUTEX_H
#define CORE_BASE_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while *word is `value`, until the deadline on CLOCK_MONOTONIC, if that is not NULL. */
static inline void futex_wait_until(_Atomic uint32_t *word, uint32_t value, const struct timespec *deadline)
{
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Sleeps while *word is `value`. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

/* The same, for `limit_ns` at most; UINT64_MAX is no limit, and 292 years are the longest. */
static inline void futex_wait_for(_Atomic uint32_t *word, uint32_t value, uint64_t limit_ns)
{
    uint64_t most_ns = limit_ns < INT64_MAX ? limit_ns : INT64_MAX;
    struct timespec limit = {(time_t)(most_ns / 1000000000), (long)(most_ns % 1000000000)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, limit_ns != UINT64_MAX ? &limit : NULL, NULL, 0);
}

/* Wakes all threads that sleep on the word. Its memory may be gone by now: then this does nothing, or wakes a thread
 * without need. */
static inline void futex_wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* The same for the threads of all processes that share the memory of the word. */
static inline void futex_wake_shared(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
