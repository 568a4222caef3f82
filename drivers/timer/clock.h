/* SPDX-License-Identifier: MIT
 *
 * One clock of the timer driver: a timerfd, the sleeps that wait for it, and the task that wakes them. */
#ifndef TIMER_CLOCK_H
#define TIMER_CLOCK_H

#include <time.h>

#include "queue.h"

struct timer_clock {
    const struct trale_host *host;
    clockid_t id;
    int fd;
    int32_t error;               /* why nobody can be woken any more, or 0 */
    uint64_t armed_ns;           /* what the fd is set to, or NEVER */
    struct trale_future watcher; /* the task */
    struct trale_wait wait;
    struct timer_queue queue;
};

/* Opens the timerfd and makes the task. 0, or a negative errno with nothing left behind. [start, executor] */
int timer_clock_open(struct timer_clock *clock, clockid_t id, const struct trale_host *host);

/* After the task was dropped, or was forgotten because start fails. [stop, start] */
void timer_clock_close(struct timer_clock *clock);

/* Arms for the first that must be woken, if that is earlier than what is armed. What is armed too early wakes the task
 * once for nothing, which is cheaper than a system call for each sleep that is given up. [executor] */
void timer_clock_before_wait(struct timer_clock *clock);

/* The time, in nanoseconds. [any] */
static inline uint64_t timer_clock_now(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * TRALE_SECOND + (uint64_t)now.tv_nsec;
}

#endif
