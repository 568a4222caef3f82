/* SPDX-License-Identifier: MIT
 *
 * The timerfd is armed for the first sleep that must be woken, and only when the executor is about to look or to sleep.
 * So a thousand sleeps that begin in one round cost one system call, and a sleep that ends before the executor looks
 * costs none. The clock's task waits for the timerfd and wakes every sleep that is due. With a slack the timerfd is
 * armed later, and more sleeps are due by then. */
#include "clock.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* timerfd_settime(2) takes what fits a signed count of nanoseconds (the kernel's ktime_t), 292 years; later deadlines
 * are approached in steps. */
#define ARM_MAX_NS ((uint64_t)INT64_MAX)

/* An absolute timer follows its clock by itself when that is set (clock_settime(2)), and so do the sleeps. A message
 * explains why they ended an hour early or late. */
static void clock_tell_set(const struct timer_clock *clock)
{
    clock->host->log(clock->host->context, TRALE_LOG_INFO, "the clock was set; deadlines follow it");
}

static int clock_arm(struct timer_clock *clock, uint64_t deadline_ns)
{
    uint64_t at_ns = deadline_ns > ARM_MAX_NS ? ARM_MAX_NS : deadline_ns;
    struct itimerspec spec = {.it_value = {(time_t)(at_ns / TRALE_SECOND), (long)(at_ns % TRALE_SECOND)}};
    /* Zero would disarm; any other time that has passed fires at once. */
    if (at_ns == 0)
        spec.it_value.tv_nsec = 1;
    int flags = TFD_TIMER_ABSTIME | (clock->id == CLOCK_REALTIME ? TFD_TIMER_CANCEL_ON_SET : 0);
    if (timerfd_settime(clock->fd, flags, &spec, NULL) < 0) {
        /* ECANCELED: it is armed all the same, and the clock was set before that (the kernel's fs/timerfd.c). */
        if (errno != ECANCELED)
            return -errno;
        clock_tell_set(clock);
    }
    clock->armed_ns = at_ns;
    return 0;
}

static void clock_wake_due(struct timer_clock *clock, uint64_t now_ns)
{
    struct trale_sleep *sleep;
    while ((sleep = timer_queue_take(&clock->queue, now_ns)) != NULL)
        sleep->waker->table->wake_by_ref(sleep->waker);
}

void timer_sleep_refuse(struct trale_sleep *sleep, int error)
{
    sleep->future.own = (uint64_t)-error;
    sleep->state = SLEEP_REFUSED;
}

/* All sleeps that wait resolve to the error. Later ones may succeed. */
static void clock_fail(struct timer_clock *clock, int error, const char *message)
{
    struct trale_sleep *sleep;
    if (!clock->told)
        clock->host->log(clock->host->context, TRALE_LOG_ERROR, message);
    clock->told = true;
    while ((sleep = timer_queue_take(&clock->queue, NEVER)) != NULL) {
        const struct trale_waker *waker = sleep->waker;
        timer_sleep_refuse(sleep, error);
        waker->table->wake_by_ref(waker);
    }
}

void timer_clock_before_wait(struct timer_clock *clock)
{
    uint64_t next_ns = timer_queue_next(&clock->queue);
    int r = next_ns < clock->armed_ns ? clock_arm(clock, next_ns) : 0;
    if (r < 0)
        clock_fail(clock, r, "timerfd_settime failed: sleeps fail");
}

/* Reads the timerfd: it has fired, or, with ECANCELED, the clock was set (TFD_TIMER_CANCEL_ON_SET). Edge-triggered, it
 * is read to the end; else what is left to read wakes the task again. */
static void clock_read(struct timer_clock *clock)
{
    uint64_t n_expirations;
    ssize_t n;
    do
        n = read(clock->fd, &n_expirations, sizeof n_expirations);
    while (n >= 0 && (clock->host->hints & TRALE_HOST_LEVEL) == 0);
    if (n < 0 && errno == ECANCELED)
        clock_tell_set(clock);
}

/* The driver's task. It wakes the sleeps that are due by the clock, whatever woke it, and lets the timerfd be armed
 * anew. Arming also makes the timerfd unreadable, which saves the read; but it is read if it will not be armed, and if
 * waits are edge-triggered. */
static int64_t watcher_poll(struct trale_future *future, struct trale_context *context)
{
    struct timer_clock *clock = (struct timer_clock *)(void *)((char *)future - offsetof(struct timer_clock, watcher));
    const struct trale_host *host = clock->host;
    int32_t r;
    do {
        clock_wake_due(clock, timer_clock_now(clock->id));
        if ((host->hints & TRALE_HOST_LEVEL) == 0 || timer_queue_next(&clock->queue) == NEVER)
            clock_read(clock);
        clock->armed_ns = NEVER;
        host->cancel_wait(host->context, &clock->wait);
        clock->wait.waker = context->waker;
        r = host->register_waker(host->context, clock->fd, TRALE_READABLE, &clock->wait);
    } while (r == 1);
    if (r < 0) {
        clock->is_watched = false;
        clock_fail(clock, r, "cannot wait for the timerfd: sleeps fail");
        return r;
    }
    clock->told = false;
    return TRALE_PENDING;
}

static void watcher_drop(struct trale_future *future)
{
    struct timer_clock *clock = (struct timer_clock *)(void *)((char *)future - offsetof(struct timer_clock, watcher));
    clock->host->cancel_wait(clock->host->context, &clock->wait);
}

int timer_clock_watch(struct timer_clock *clock)
{
    static const struct trale_future_type watcher_type = {sizeof watcher_type, TRALE_ABI, "timerfd", watcher_poll,
                                                          watcher_drop};
    trale_future_init(&clock->watcher, &watcher_type);
    int r = clock->host->spawn(clock->host->context, &clock->watcher);
    clock->is_watched = r == 0;
    return r;
}

int timer_clock_open(struct timer_clock *clock, clockid_t id, const struct trale_host *host)
{
    *clock = (struct timer_clock){.host = host, .id = id, .armed_ns = NEVER};
    clock->fd = timerfd_create(id, TFD_NONBLOCK | TFD_CLOEXEC);
    if (clock->fd < 0)
        return -errno;
    int r = timer_clock_watch(clock);
    if (r < 0)
        close(clock->fd);
    return r;
}

void timer_clock_close(struct timer_clock *clock)
{
    clock->host->forget_fd(clock->host->context, clock->fd);
    close(clock->fd);
    timer_queue_deinit(&clock->queue);
}
