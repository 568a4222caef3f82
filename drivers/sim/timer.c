/* SPDX-License-Identifier: MIT
 *
 * A sleep that waits is in the heap, by the time on the world's clock at which its own clock will reach its deadline.
 * When the wall clock is set, those times change. */
#include "timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool timer_grow(struct timer *timer, uint32_t n_clocks)
{
    struct timer_clock **larger = reallocarray(timer->clocks, n_clocks, sizeof *larger);
    if (larger == NULL)
        return false;
    memset(larger + timer->n_clocks, 0, (n_clocks - timer->n_clocks) * sizeof *larger);
    timer->clocks = larger;
    timer->n_clocks = n_clocks;
    return true;
}

/* A clock of a host; NULL: no memory. */
static struct timer_clock *timer_clock_of(struct timer *timer, const struct host *host, bool is_wall)
{
    uint32_t place = 2 * host->number + is_wall;
    if (place >= timer->n_clocks && !timer_grow(timer, 2 * place + 2))
        return NULL;
    struct timer_clock **clock = &timer->clocks[place];
    if (*clock == NULL && (*clock = malloc(sizeof **clock)) != NULL)
        **clock = (struct timer_clock){timer, is_wall ? TRALE_CLOCK_REALTIME : TRALE_CLOCK_MONOTONIC, host,
                                       host->clock_ns};
    return *clock;
}

static uint32_t timer_clock_known(const struct timer *timer, uint32_t clock)
{
    return clock == TRALE_CLOCK_CONFIGURED ? timer->configured : clock;
}

/* By how much a clock is ahead of the world's clock. */
static uint64_t clock_ahead(const struct timer_clock *clock)
{
    bool is_wall = clock->clock == TRALE_CLOCK_REALTIME;
    return is_wall ? clock->timer->wall_ahead_ns + (uint64_t)clock->host->clock_ns : 0;
}

static uint64_t clock_now(const struct timer_clock *clock)
{
    return program_now(clock->timer->program) + clock_ahead(clock);
}

uint64_t timer_wall(const struct timer *timer)
{
    const struct program *program = timer->program;
    return program_now(program) + timer->wall_ahead_ns + (uint64_t)program->here->clock_ns;
}

static uint64_t timer_now_on(void *instance, uint32_t clock)
{
    const struct timer *timer = instance;
    switch (timer_clock_known(timer, clock)) {
    case TRALE_CLOCK_MONOTONIC:
    case TRALE_CLOCK_BOOTTIME:
        return program_now(timer->program);
    case TRALE_CLOCK_REALTIME:
        return timer_wall(timer);
    default:
        return 0;
    }
}

static uint64_t timer_now(void *instance)
{
    return timer_now_on(instance, TRALE_CLOCK_CONFIGURED);
}

/* --- a sleep ------------------------------------------------------------------------------------------------------ */

/* The time on the world's clock when this one reaches a deadline. */
static uint64_t clock_reaches(const struct timer_clock *clock, uint64_t deadline_ns)
{
    uint64_t ahead_ns = clock_ahead(clock);
    if (deadline_ns == UINT64_MAX)
        return UINT64_MAX;
    return deadline_ns > ahead_ns ? deadline_ns - ahead_ns : 0;
}

static int sleep_wait(struct trale_sleep *sleep)
{
    const struct timer_clock *clock = sleep->driver;
    struct timer *timer = clock->timer;
    uint64_t deadline_ns = clock_reaches(clock, sleep->future.own);
    log_event(&timer->program->log, LOG_SLEEP, log_number("clock", clock->clock),
              log_number("until", (int64_t)sleep->future.own));
    return sleeps_add(&timer->sleeps, sleep, deadline_ns, trale_time_add(deadline_ns, sleep->slack_ns));
}

static int64_t sleep_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    if (sleep->state == SLEEP_REFUSED)
        return -(int64_t)sleep->future.own;
    if (sleep->state == SLEEP_READY) {
        if (clock_now(sleep->driver) >= sleep->future.own)
            return trale_context_may_resolve(context) ? 0 : TRALE_PENDING;
        /* It has begun, or its clock was set back since its deadline came. */
        int r = sleep_wait(sleep);
        if (r < 0)
            return r;
    }
    sleep->waker = context->waker;
    return TRALE_PENDING;
}

static void sleep_drop(struct trale_future *future)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    if (sleep->state == SLEEP_WAITING)
        sleeps_remove(&((struct timer_clock *)sleep->driver)->timer->sleeps, sleep);
}

static void timer_sleep_on(void *instance, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                           uint64_t slack_ns)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_sleep", sleep_poll, sleep_drop};
    struct timer *timer = instance;
    trale_host_expect(&timer->program->host, "trale_timer.sleep_on");
    uint32_t known = timer_clock_known(timer, clock);
    bool is_wall = known == TRALE_CLOCK_REALTIME;
    struct timer_clock *found = timer_clock_of(timer, timer->program->here, is_wall);
    *sleep = (struct trale_sleep){.future = {.type = &type, .own = deadline_ns},
                                  .driver = found,
                                  .slack_ns = trale_time_add(timer->slack_ns, slack_ns),
                                  .state = SLEEP_READY};
    bool is_known = is_wall || known == TRALE_CLOCK_MONOTONIC || known == TRALE_CLOCK_BOOTTIME;
    if (found == NULL || !is_known) {
        sleep->state = SLEEP_REFUSED;
        sleep->future.own = is_known ? ENOMEM : EINVAL;
    }
}

static void timer_sleep_until(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    timer_sleep_on(instance, sleep, TRALE_CLOCK_CONFIGURED, deadline_ns, 0);
}

/* It is set where it waits: there is room in the heap for it. */
static void timer_reset(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    struct timer *timer = instance;
    trale_host_expect(&timer->program->host, "trale_timer.reset");
    bool waits = sleep->state == SLEEP_WAITING;
    if (sleep->state == SLEEP_REFUSED)
        return;
    if (waits)
        sleeps_remove(&timer->sleeps, sleep);
    sleep->future.own = deadline_ns;
    if (waits)
        sleep_wait(sleep);
}

/* --- the world's clock -------------------------------------------------------------------------------------------- */

uint64_t timer_next(const struct timer *timer)
{
    return sleeps_next(&timer->sleeps);
}

/* Moves deadlines where a host's clock was set. */
static void timer_follow(struct timer *timer)
{
    for (uint32_t i = 1; i < timer->n_clocks; i += 2) {
        struct timer_clock *clock = timer->clocks[i];
        if (clock == NULL)
            continue;
        int64_t by_ns = clock->host->clock_ns - clock->followed_ns;
        if (by_ns == 0)
            continue;
        timer->program->host.log(timer->program->host.context, TRALE_LOG_INFO,
                                 "the clock was set; deadlines follow it");
        sleeps_move(&timer->sleeps, clock, -by_ns);
        clock->followed_ns += by_ns;
    }
}

void timer_fire(struct timer *timer)
{
    struct trale_sleep *sleep;
    timer_follow(timer);
    while ((sleep = sleeps_take(&timer->sleeps, program_now(timer->program))) != NULL) {
        const struct host *host = ((const struct timer_clock *)sleep->driver)->host;
        if (host->n_paused > 0 && host->resumes_ns > program_now(timer->program)) {
            /* The place that it has just left in the heap is free. */
            (void)!sleeps_add(&timer->sleeps, sleep, host->resumes_ns, host->resumes_ns);
            continue;
        }
        log_event(&timer->program->log, LOG_FIRE, log_number("deadline", (int64_t)sleep->future.own));
        program_wake(timer->program, sleep->waker);
    }
}

void timer_init(struct timer *timer, struct program *program, uint32_t configured, uint64_t slack_ns, uint64_t wall_ns)
{
    *timer = (struct timer){
        .table =
            {
                .interface = {sizeof timer->table, 1, timer},
                .now = timer_now,
                .sleep_until = timer_sleep_until,
                .now_on = timer_now_on,
                .sleep_on = timer_sleep_on,
                .reset = timer_reset,
            },
        .program = program,
        .configured = configured,
        .slack_ns = slack_ns,
        .wall_ahead_ns = wall_ns - WORLD_BEGINS_NS,
    };
}

void timer_deinit(struct timer *timer)
{
    for (uint32_t i = 0; i < timer->n_clocks; i++)
        free(timer->clocks[i]);
    free(timer->clocks);
    sleeps_deinit(&timer->sleeps);
}
