/* SPDX-License-Identifier: MIT
 *
 * Deadlines on CLOCK_MONOTONIC, for calls that wait with a limit. A pointer to one may be NULL: no limit. */
#ifndef CORE_BASE_DEADLINE_H
#define CORE_BASE_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define DEADLINE_SECOND UINT64_C(1000000000)

static inline uint64_t deadline_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * DEADLINE_SECOND + (uint64_t)now.tv_nsec;
}

/* The deadline `limit_ns` from now; a limit of centuries is cut to 292 years. */
static inline struct timespec deadline_after(uint64_t limit_ns)
{
    uint64_t now_ns = deadline_now_ns(), most_ns = (uint64_t)INT64_MAX - now_ns;
    uint64_t at_ns = now_ns + (limit_ns < most_ns ? limit_ns : most_ns);
    return (struct timespec){(time_t)(at_ns / DEADLINE_SECOND), (long)(at_ns % DEADLINE_SECOND)};
}

/* The time on the clock, UINT64_MAX without a deadline. */
static inline uint64_t deadline_ns(const struct timespec *deadline)
{
    return deadline != NULL ? (uint64_t)deadline->tv_sec * DEADLINE_SECOND + (uint64_t)deadline->tv_nsec : UINT64_MAX;
}

static inline bool deadline_has_passed(const struct timespec *deadline)
{
    return deadline != NULL && deadline_now_ns() >= deadline_ns(deadline);
}

#endif
