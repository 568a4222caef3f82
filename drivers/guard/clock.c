/* SPDX-License-Identifier: MIT
 *
 * Functions that read clocks, or wait for them. */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "guard.h"

#define SECOND_NS INT64_C(1000000000)
#define HERE __builtin_return_address(0)

static struct timespec to_timespec(int64_t ns)
{
    return (struct timespec){ns / SECOND_NS, ns % SECOND_NS};
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

int guard_clock_gettime(clockid_t clock, struct timespec *now) GUARD_FOR(clock_gettime);
int guard_clock_gettime(clockid_t clock, struct timespec *now)
{
    GUARD_REAL(int(clockid_t, struct timespec *), "clock_gettime");
    if (guard_call(GUARD_CLOCK, "clock_gettime", HERE, true) == GUARD_PASS)
        return real(clock, now);
    *now = to_timespec(guard_now_ns(clock));
    return 0;
}

int guard_gettimeofday(struct timeval *now, void *zone) GUARD_FOR(gettimeofday);
int guard_gettimeofday(struct timeval *now, void *zone)
{
    GUARD_REAL(int(struct timeval *, void *), "gettimeofday");
    if (guard_call(GUARD_CLOCK, "gettimeofday", HERE, true) == GUARD_PASS)
        return real(now, zone);
    int64_t ns = guard_now_ns(CLOCK_REALTIME);
    *now = (struct timeval){ns / SECOND_NS, ns % SECOND_NS / 1000};
    return 0;
}

time_t guard_time(time_t *now) GUARD_FOR(time);
time_t guard_time(time_t *now)
{
    GUARD_REAL(time_t(time_t *), "time");
    if (guard_call(GUARD_CLOCK, "time", HERE, true) == GUARD_PASS)
        return real(now);
    time_t seconds = guard_now_ns(CLOCK_REALTIME) / SECOND_NS;
    if (now != NULL)
        *now = seconds;
    return seconds;
}

int guard_timespec_get(struct timespec *now, int base) GUARD_FOR(timespec_get);
int guard_timespec_get(struct timespec *now, int base)
{
    GUARD_REAL(int(struct timespec *, int), "timespec_get");
    if (guard_call(GUARD_CLOCK, "timespec_get", HERE, true) == GUARD_PASS || base != TIME_UTC)
        return real(now, base);
    *now = to_timespec(guard_now_ns(CLOCK_REALTIME));
    return base;
}

clock_t guard_clock(void) GUARD_FOR(clock);
clock_t guard_clock(void)
{
    GUARD_REAL(clock_t(void), "clock");
    if (guard_call(GUARD_CLOCK, "clock", HERE, true) == GUARD_PASS)
        return real();
    return guard_now_ns(CLOCK_PROCESS_CPUTIME_ID) / (SECOND_NS / CLOCKS_PER_SEC);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static bool is_valid(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < SECOND_NS;
}

/* A time that is valid, up to INT64_MAX ns, some 292 years. */
static int64_t to_ns(const struct timespec *time)
{
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)time->tv_sec, SECOND_NS, &ns) ||
        __builtin_add_overflow(ns, (int64_t)time->tv_nsec, &ns))
        return INT64_MAX;
    return ns;
}

int guard_nanosleep(const struct timespec *time, struct timespec *left) GUARD_FOR(nanosleep);
int guard_nanosleep(const struct timespec *time, struct timespec *left)
{
    GUARD_REAL(int(const struct timespec *, struct timespec *), "nanosleep");
    if (guard_call(GUARD_CLOCK, "nanosleep", HERE, true) == GUARD_PASS || !is_valid(time) ||
        !guard_block((uint64_t)to_ns(time)))
        return real(time, left);
    return 0;
}

int guard_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
    GUARD_FOR(clock_nanosleep);
int guard_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    GUARD_REAL(int(clockid_t, int, const struct timespec *, struct timespec *), "clock_nanosleep");
    if (guard_call(GUARD_CLOCK, "clock_nanosleep", HERE, true) == GUARD_PASS || !is_valid(time))
        return real(clock, flags, time, left);
    int64_t ns = to_ns(time);
    if ((flags & TIMER_ABSTIME) != 0)
        ns -= guard_now_ns(clock); /* neither is negative */
    const struct timespec wanted = to_timespec(ns > 0 ? ns : 0);
    return ns <= 0 || guard_block((uint64_t)ns) ? 0 : real(clock, flags & ~TIMER_ABSTIME, &wanted, left);
}

int guard_usleep(unsigned us) GUARD_FOR(usleep);
int guard_usleep(unsigned us)
{
    GUARD_REAL(int(unsigned), "usleep");
    if (guard_call(GUARD_CLOCK, "usleep", HERE, true) == GUARD_PASS || !guard_block((uint64_t)us * 1000))
        return real(us);
    return 0;
}

unsigned guard_sleep(unsigned seconds) GUARD_FOR(sleep);
unsigned guard_sleep(unsigned seconds)
{
    GUARD_REAL(unsigned(unsigned), "sleep");
    if (guard_call(GUARD_CLOCK, "sleep", HERE, true) == GUARD_PASS || !guard_block((uint64_t)seconds * SECOND_NS))
        return real(seconds);
    return 0;
}

/* --- timers of the kernel: they are named, and pass --------------------------------------------------------------- */

int guard_timerfd_create(int clock, int flags) GUARD_FOR(timerfd_create);
int guard_timerfd_create(int clock, int flags)
{
    GUARD_REAL(int(int, int), "timerfd_create");
    guard_call(GUARD_CLOCK, "timerfd_create", HERE, false);
    return real(clock, flags);
}

int guard_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer) GUARD_FOR(timer_create);
int guard_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer)
{
    GUARD_REAL(int(clockid_t, struct sigevent *, timer_t *), "timer_create");
    guard_call(GUARD_CLOCK, "timer_create", HERE, false);
    return real(clock, event, timer);
}

int guard_setitimer(int which, const struct itimerval *value, struct itimerval *before) GUARD_FOR(setitimer);
int guard_setitimer(int which, const struct itimerval *value, struct itimerval *before)
{
    GUARD_REAL(int(int, const struct itimerval *, struct itimerval *), "setitimer");
    guard_call(GUARD_CLOCK, "setitimer", HERE, false);
    return real(which, value, before);
}

unsigned guard_alarm(unsigned seconds) GUARD_FOR(alarm);
unsigned guard_alarm(unsigned seconds)
{
    GUARD_REAL(unsigned(unsigned), "alarm");
    guard_call(GUARD_CLOCK, "alarm", HERE, false);
    return real(seconds);
}
