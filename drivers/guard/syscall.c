/* SPDX-License-Identifier: MIT
 *
 * System calls by their numbers (syscall(2)): those for which libc has functions of its own above. */
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "guard.h"

#define SECOND_NS INT64_C(1000000000)
#define HERE __builtin_return_address(0)

static long answer_clock(long clock, struct timespec *now)
{
    int64_t ns = guard_now_ns((int32_t)clock);
    *now = (struct timespec){ns / SECOND_NS, ns % SECOND_NS};
    return 0;
}

#ifdef SYS_gettimeofday
static long answer_time_of_day(struct timeval *now)
{
    int64_t ns = guard_now_ns(CLOCK_REALTIME);
    *now = (struct timeval){ns / SECOND_NS, ns % SECOND_NS / 1000};
    return 0;
}
#endif

static long answer_random(void *buffer, size_t size)
{
    guard_random(buffer, size);
    return (long)size;
}

long guard_syscall(long number, ...) GUARD_FOR(syscall);
long guard_syscall(long number, ...)
{
    GUARD_REAL(long(long, ...), "syscall");
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_clock_gettime &&
        guard_call(GUARD_CLOCK, "syscall(SYS_clock_gettime)", HERE, true) == GUARD_ANSWER)
        return answer_clock(a[0], (struct timespec *)a[1]);
#ifdef SYS_gettimeofday
    if (number == SYS_gettimeofday && guard_call(GUARD_CLOCK, "syscall(SYS_gettimeofday)", HERE, true) == GUARD_ANSWER)
        return answer_time_of_day((struct timeval *)a[0]);
#endif
    if (number == SYS_getrandom && guard_call(GUARD_ENTROPY, "syscall(SYS_getrandom)", HERE, true) == GUARD_ANSWER)
        return answer_random((void *)a[0], (size_t)a[1]);
    if (number == SYS_socket)
        guard_call(GUARD_SOCKET, "syscall(SYS_socket)", HERE, false);
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
