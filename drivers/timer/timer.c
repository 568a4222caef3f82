/* SPDX-License-Identifier: MIT
 *
 * trale.timer/1 on timerfd(2): one fd for all sleeps, and one more for each other clock that is used.
 *
 * Sleeps that wait are in a queue (queue.c), from which a dropped sleep is removed; a clock (clock.c) wakes the sleeps
 * that are due.
 *
 * Never early: a sleep resolves when the clock, read here, has reached its deadline, never because an event came.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"

enum option { OPTION_CLOCK, OPTION_SLACK, N_OPTIONS };

static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};
enum { N_CLOCKS = sizeof clocks / sizeof clocks[0] };

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
    uint64_t slack_ns;
    size_t n_clocks;
    struct timer_clock clocks[N_CLOCKS]; /* those in use; the first is the configured one */
};

/* The kernel's name of one of the TRALE_CLOCK_ clocks, or -1. */
static clockid_t timer_clock_id(const struct timer *timer, uint32_t clock)
{
    if (clock == TRALE_CLOCK_CONFIGURED)
        return timer->clocks[0].id;
    return clock <= N_CLOCKS ? clocks[clock - 1] : -1;
}

static uint64_t timer_now(void *instance)
{
    return timer_clock_now(((struct timer *)instance)->clocks[0].id);
}

static uint64_t timer_now_on(void *instance, uint32_t clock)
{
    clockid_t id = timer_clock_id(instance, clock);
    return id >= 0 ? timer_clock_now(id) : 0;
}

/* --- a sleep: `driver` is its clock ------------------------------------------------------------------------------- */

static int64_t sleep_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    struct timer_clock *clock = sleep->driver;
    if (sleep->state == SLEEP_WAITING) {
        sleep->waker = context->waker;
        return TRALE_PENDING;
    }
    if (sleep->state == SLEEP_REFUSED)
        return -(int64_t)sleep->future.own;
    /* A sleep that was due waits again if its clock was set back since. */
    if (timer_clock_now(clock->id) >= sleep->future.own)
        return trale_context_may_resolve(context) ? 0 : TRALE_PENDING;
    int r = clock->is_watched ? 0 : timer_clock_watch(clock);
    if (r == 0)
        r = timer_queue_add(&clock->queue, sleep);
    if (r < 0)
        return r;
    sleep->waker = context->waker;
    return TRALE_PENDING;
}

static void sleep_drop(struct trale_future *future)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    if (sleep->state == SLEEP_WAITING)
        timer_queue_remove(&((struct timer_clock *)sleep->driver)->queue, sleep);
}

static void sleep_begin(struct timer *timer, struct timer_clock *clock, struct trale_sleep *sleep, uint64_t deadline_ns,
                        uint64_t slack_ns)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_sleep", sleep_poll, sleep_drop};
    *sleep = (struct trale_sleep){.future = {.type = &type, .own = deadline_ns},
                                  .driver = clock,
                                  .slack_ns = trale_time_add(timer->slack_ns, slack_ns),
                                  .state = SLEEP_READY};
}

static void timer_sleep_until(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    trale_host_expect(&((struct timer *)instance)->host, "trale_timer.sleep_until");
    struct timer *timer = instance;
    sleep_begin(timer, &timer->clocks[0], sleep, deadline_ns, 0);
}

/* --- other clocks than the configured one ------------------------------------------------------------------------- */

/* The clock by that id, opened if it is not in use yet. */
static int timer_find(struct timer *timer, clockid_t id, struct timer_clock **found)
{
    for (size_t i = 0; i < timer->n_clocks; i++) {
        *found = &timer->clocks[i];
        if (timer->clocks[i].id == id)
            return 0;
    }
    *found = &timer->clocks[timer->n_clocks];
    int r = timer_clock_open(*found, id, &timer->host);
    timer->n_clocks += r == 0;
    return r;
}

static void timer_sleep_on(void *instance, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                           uint64_t slack_ns)
{
    trale_host_expect(&((struct timer *)instance)->host, "trale_timer.sleep_on");
    struct timer *timer = instance;
    struct timer_clock *found = NULL;
    clockid_t id = timer_clock_id(timer, clock);
    int r = id >= 0 ? timer_find(timer, id, &found) : -EINVAL;
    sleep_begin(timer, r == 0 ? found : &timer->clocks[0], sleep, deadline_ns, slack_ns);
    if (r < 0)
        timer_sleep_refuse(sleep, r);
}

static void timer_reset(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    trale_host_expect(&((struct timer *)instance)->host, "trale_timer.reset");
    struct timer_clock *clock = sleep->driver;
    bool waits = sleep->state == SLEEP_WAITING;
    if (sleep->state == SLEEP_REFUSED)
        return;
    if (waits)
        timer_queue_remove(&clock->queue, sleep);
    sleep->future.own = deadline_ns;
    int r = waits ? timer_queue_add(&clock->queue, sleep) : 0;
    if (r == 0)
        return;
    timer_sleep_refuse(sleep, r);
    sleep->waker->table->wake_by_ref(sleep->waker);
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static uint64_t timer_before_wait(void *instance, uint32_t idle)
{
    (void)idle;
    struct timer *timer = instance;
    for (size_t i = 0; i < timer->n_clocks; i++)
        timer_clock_before_wait(&timer->clocks[i]);
    return UINT64_MAX;
}

static void timer_stop(void *instance)
{
    struct timer *timer = instance;
    for (size_t i = 0; i < timer->n_clocks; i++)
        timer_clock_close(&timer->clocks[i]);
    free(timer);
}

static int32_t timer_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return -ENOMEM;
    trale_host_copy(&timer->host, host);
    timer->table = (struct trale_timer){
        .interface = {sizeof timer->table, 1, timer},
        .now = timer_now,
        .sleep_until = timer_sleep_until,
        .now_on = timer_now_on,
        .sleep_on = timer_sleep_on,
        .reset = timer_reset,
    };
    timer->slack_ns = (uint64_t)settings->values[OPTION_SLACK].integer;
    int32_t r = timer_clock_open(&timer->clocks[0], clocks[settings->values[OPTION_CLOCK].integer], &timer->host);
    if (r < 0) {
        host->log(host->context, TRALE_LOG_ERROR, "no timerfd could be had");
        free(timer);
        return r;
    }
    timer->n_clocks = 1;
    *instance = timer;
    return 0;
}

static const struct trale_interface *timer_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.timer/1") == 0 ? &((struct timer *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "timer", .version = TRALE_VERSION, .summary = "sleeps and deadlines, on timerfd",
             .interfaces = TRALE_TIMER_1, .options = timer_options, .start = timer_start, .stop = timer_stop,
             .interface = timer_interface, .before_wait = timer_before_wait);
