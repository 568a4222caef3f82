/* SPDX-License-Identifier: MIT
 *
 * One clock of the timer driver: a timerfd, the sleeps that wait for it, and the task that wakes them. */
#ifndef TIMER_CLOCK_H
#define TIMER_CLOCK_H

#include <stdbool.h>
#include <time.h>

#include "queue.h"

struct timer_clock {
    const struct trale_host *host;
    clockid_t id;
    int fd;
    uint64_t armed_ns;           /* what the fd is set to, or NEVER */
    struct trale_future watcher; /* the task */
    bool is_watched;             /* there is the task; where it had to end, the next sleep makes it anew */
    bool told;                   /* there was a message that sleeps fail, and no success since */
    struct trale_wait wait;
    struct timer_queue queue;
};

/* Opens the timerfd and makes the task. 0, or a negative errno with nothing left behind. [start, executor] */
int timer_clock_open(struct timer_clock *clock, clockid_t id, const struct trale_host *host);

/* Makes the task, where `is_watched` says that there is none. 0, or -ENOMEM. [executor] */
int timer_clock_watch(struct timer_clock *clock);

/* Makes a sleep that is in no queue resolve to an error, a negative errno. Its type stays: a layer may have put its own
 * over it. */
void timer_sleep_refuse(struct trale_sleep *sleep, int error);

/* After the task was dropped, or was forgotten because start fails. [stop, start] */
void timer_clock_close(struct timer_clock *clock);

/* Arms the timerfd for the first sleep that must be woken, if it is not armed for an earlier time. A timerfd that is
 * armed too early wakes the task once for nothing, which is cheaper than a system call for each sleep that is dropped.
 * [executor] */
void timer_clock_before_wait(struct timer_clock *clock);

/* The time, in nanoseconds. [any] */
static inline uint64_t timer_clock_now(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * TRALE_SECOND + (uint64_t)now.tv_nsec;
}

#endif
