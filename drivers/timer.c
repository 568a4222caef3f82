/* SPDX-License-Identifier: MIT
 *
 * trale.timer/1 on timerfd(2): one fd for all sleepers.
 *
 * Sleeps that wait stand in a queue by deadline (timer_queue.c), from which one that is dropped is taken out again. The
 * timerfd is armed for the earliest, and only when the executor is about to look or to sleep, so a thousand sleeps that
 * begin in one round cost one system call, and one that ends before anybody looked costs none. A task of the driver's
 * own waits for the timerfd and wakes every sleeper that is due. With a slack the timerfd is armed that much later, and
 * more of them are due.
 *
 * Never early: a sleep resolves when the clock, read here, has reached its deadline, never because an event came.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "timer_queue.h"

/* timerfd_settime(2) takes what fits a signed count of nanoseconds (the kernel's ktime_t), 292 years; later deadlines
 * are approached in steps. */
#define ARM_MAX_NS ((uint64_t)INT64_MAX)

enum option { OPTION_CLOCK, OPTION_SLACK, N_OPTIONS };

static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};

static const struct trale_option timer_options[] = {
    [OPTION_CLOCK] = {.name = "clock",
                      .type = TRALE_OPTION_CHOICE,
                      .choices = "monotonic | boottime | realtime",
                      .default_value = "monotonic",
                      .help = "what deadlines are measured on; realtime follows the wall clock when it is set"},
    [OPTION_SLACK] = {.name = "slack",
                      .type = TRALE_OPTION_DURATION,
                      .maximum = TRALE_SECOND,
                      .default_value = "0",
                      .help = "how late sleeps may end, so that those close together end at once"},
    [N_OPTIONS] = {.name = NULL},
};

struct timer {
    struct trale_timer table;
    struct trale_host host;
    clockid_t clock;
    uint64_t slack_ns;
    int fd;
    uint64_t armed_ns; /* what the fd is set to, or NEVER */
    int32_t error;     /* why nobody can be woken any more, or 0 */
    struct trale_future watcher; /* the driver's task */
    struct trale_wait wait;
    struct timer_queue queue;
};

static uint64_t timer_now(void *instance)
{
    struct timespec now;
    clock_gettime(((struct timer *)instance)->clock, &now);
    return (uint64_t)now.tv_sec * TRALE_SECOND + (uint64_t)now.tv_nsec;
}

/* --- a sleep: `waker` is set while it stands in the queue --------------------------------------------------------- */

static int64_t sleep_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    struct timer *timer = sleep->driver;
    if (sleep->waker != NULL) {
        sleep->waker = context->waker;
        return TRALE_PENDING;
    }
    /* Either it begins, or the watcher has found it due; on a clock that was set back in between, it waits again. */
    if (timer_now(timer) >= sleep->deadline_ns)
        return 0;
    int r = timer->error < 0 ? timer->error : timer_queue_add(&timer->queue, sleep);
    if (r < 0)
        return r;
    sleep->waker = context->waker;
    return TRALE_PENDING;
}

static void sleep_drop(struct trale_future *future)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    if (sleep->waker != NULL)
        timer_queue_remove(&((struct timer *)sleep->driver)->queue, sleep);
}

static void timer_sleep_until(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_sleep", sleep_poll, sleep_drop};
    *sleep = (struct trale_sleep){.future = {.type = &type}, .deadline_ns = deadline_ns, .driver = instance};
}

/* --- the timerfd -------------------------------------------------------------------------------------------------- */

/* An absolute timer follows its clock by itself when that is set (clock_settime(2)), and the sleepers with it; it is
 * worth a message, for whoever wonders why they woke an hour early or late. */
static void timer_tell_clock_set(const struct timer *timer)
{
    timer->host.log(timer->host.context, TRALE_LOG_INFO, "the clock was set; deadlines follow it");
}

static int timer_arm(struct timer *timer, uint64_t deadline_ns)
{
    uint64_t at_ns = deadline_ns > ARM_MAX_NS ? ARM_MAX_NS : deadline_ns;
    struct itimerspec spec = {.it_value = {(time_t)(at_ns / TRALE_SECOND), (long)(at_ns % TRALE_SECOND)}};
    /* Zero would disarm; any other time that has passed fires at once. */
    if (at_ns == 0)
        spec.it_value.tv_nsec = 1;
    int flags = TFD_TIMER_ABSTIME | (timer->clock == CLOCK_REALTIME ? TFD_TIMER_CANCEL_ON_SET : 0);
    if (timerfd_settime(timer->fd, flags, &spec, NULL) < 0) {
        /* ECANCELED: it is armed all the same, and the clock was set before that (the kernel's fs/timerfd.c). */
        if (errno != ECANCELED)
            return -errno;
        timer_tell_clock_set(timer);
    }
    timer->armed_ns = at_ns;
    return 0;
}

/* When the timerfd has to fire, or NEVER. */
static uint64_t timer_next(const struct timer *timer)
{
    return trale_time_add(timer_queue_next(&timer->queue), timer->slack_ns);
}

static void timer_wake_due(struct timer *timer, uint64_t now_ns)
{
    struct trale_sleep *sleep;
    while ((sleep = timer_queue_take(&timer->queue, now_ns)) != NULL) {
        const struct trale_waker *waker = sleep->waker;
        sleep->waker = NULL;
        waker->table->wake_by_ref(waker);
    }
}

/* Whoever sleeps, and whoever begins to from now on, is told. */
static void timer_fail(struct timer *timer, int error, const char *message)
{
    timer->host.log(timer->host.context, TRALE_LOG_ERROR, message);
    timer->error = error;
    timer_wake_due(timer, NEVER);
}

/* Arms for the earliest sleeper, if that is earlier than what is armed. What is armed too early wakes the watcher once
 * for nothing, which is cheaper than a system call for each sleep that is given up. */
static void timer_before_wait(void *instance, uint32_t idle)
{
    (void)idle;
    struct timer *timer = instance;
    uint64_t deadline_ns = timer_next(timer);
    int r = deadline_ns < timer->armed_ns ? timer_arm(timer, deadline_ns) : 0;
    if (r < 0)
        timer_fail(timer, r, "timerfd_settime failed: sleeps fail from now on");
}

/* Takes in what the timerfd has to say: that it fired, or, with ECANCELED, that the clock was set
 * (TFD_TIMER_CANCEL_ON_SET). */
static void timer_read(struct timer *timer)
{
    uint64_t n_expirations;
    while (read(timer->fd, &n_expirations, sizeof n_expirations) >= 0)
        ;
    if (errno == ECANCELED)
        timer_tell_clock_set(timer);
}

/* The driver's task. Whatever woke it, the clock says who is due, and the timerfd is armed anew. That also ends its
 * being readable, so it need not be read, where nothing else is asked for: not when it will not be armed, and not where
 * readiness comes as edges and only who has read to the end may wait. */
static int64_t watcher_poll(struct trale_future *future, struct trale_context *context)
{
    struct timer *timer = (struct timer *)(void *)((char *)future - offsetof(struct timer, watcher));
    const struct trale_host *host = &timer->host;
    int32_t r;
    do {
        timer_wake_due(timer, timer_now(timer));
        if ((host->hints & TRALE_HOST_LEVEL) == 0 || timer_next(timer) == NEVER)
            timer_read(timer);
        timer->armed_ns = NEVER;
        host->cancel_wait(host->context, &timer->wait);
        timer->wait.waker = context->waker;
        r = host->register_waker(host->context, timer->fd, TRALE_READABLE, &timer->wait);
    } while (r == 1);
    if (r < 0)
        timer_fail(timer, r, "cannot wait for the timerfd: sleeps fail from now on");
    return r < 0 ? r : TRALE_PENDING;
}

static void watcher_drop(struct trale_future *future)
{
    struct timer *timer = (struct timer *)(void *)((char *)future - offsetof(struct timer, watcher));
    timer->host.cancel_wait(timer->host.context, &timer->wait);
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static void timer_stop(void *instance)
{
    struct timer *timer = instance;
    timer->host.forget_fd(timer->host.context, timer->fd);
    close(timer->fd);
    timer_queue_deinit(&timer->queue);
    free(timer);
}

static int32_t timer_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    static const struct trale_future_type watcher_type = {sizeof watcher_type, TRALE_ABI, "timerfd", watcher_poll,
                                                          watcher_drop};
    struct timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return -ENOMEM;
    trale_host_copy(&timer->host, host);
    timer->table = (struct trale_timer){{sizeof timer->table, 1, timer}, timer_now, timer_sleep_until};
    timer->clock = clocks[settings->values[OPTION_CLOCK].integer];
    timer->slack_ns = (uint64_t)settings->values[OPTION_SLACK].integer;
    timer->armed_ns = NEVER;
    timer->watcher.type = &watcher_type;
    int32_t r;
    timer->fd = timerfd_create(timer->clock, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer->fd < 0) {
        r = -errno;
        host->log(host->context, TRALE_LOG_ERROR, "timerfd_create failed");
        goto fail;
    }
    r = host->spawn(host->context, &timer->watcher);
    if (r < 0)
        goto fail;
    *instance = timer;
    return 0;
fail:
    if (timer->fd >= 0)
        close(timer->fd);
    free(timer);
    return r;
}

static const struct trale_interface *timer_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.timer/1") == 0 ? &((struct timer *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "timer", .version = TRALE_VERSION, .summary = "sleeps and deadlines, on timerfd",
             .interfaces = "trale.timer/1", .options = timer_options, .start = timer_start, .stop = timer_stop,
             .interface = timer_interface, .before_wait = timer_before_wait);
