/* SPDX-License-Identifier: MIT
 *
 * "trale.timer/1" without a clock: when nothing is runnable, time moves to the next deadline. What a simulation does,
 * in small: the idle hook is all it needs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/timer.h>

struct simulation {
    struct trale_timer table;
    uint64_t now_ns;
    struct trale_sleep *first; /* sleepers by deadline */
};

enum { SLEEP_BEGUN = TRALE_SLEEP_NEW + 1 };

static uint64_t simulation_now(void *instance)
{
    return ((struct simulation *)instance)->now_ns;
}

static void unlink_sleep(struct simulation *simulation, struct trale_sleep *sleep)
{
    if (simulation->first == sleep) {
        simulation->first = sleep->next;
        return;
    }
    for (struct trale_sleep *before = simulation->first; before != NULL; before = before->next)
        if (before->next == sleep)
            before->next = sleep->next;
}

static void link_sleep(struct simulation *simulation, struct trale_sleep *sleep)
{
    struct trale_sleep *before = NULL, *after = simulation->first;
    while (after != NULL && after->future.own <= sleep->future.own) {
        before = after;
        after = after->next;
    }
    sleep->next = after;
    if (before != NULL)
        before->next = sleep;
    else
        simulation->first = sleep;
}

static int64_t sleep_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    struct simulation *simulation = sleep->driver;
    if (sleep->waker != NULL)
        unlink_sleep(simulation, sleep);
    sleep->waker = NULL;
    if (simulation->now_ns >= sleep->future.own)
        return 0;
    link_sleep(simulation, sleep);
    sleep->waker = context->waker;
    return TRALE_PENDING;
}

static void sleep_drop(struct trale_future *future)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    if (sleep->waker != NULL)
        unlink_sleep(sleep->driver, sleep);
}

static void simulation_sleep_until(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "simulated_sleep", sleep_poll, sleep_drop};
    *sleep = (struct trale_sleep){
        .future = {.type = &type, .own = deadline_ns}, .driver = instance, .state = SLEEP_BEGUN};
}

/* All clocks that do not tell the time of day are one. */
static int is_known(uint32_t clock)
{
    return clock < TRALE_CLOCK_REALTIME;
}

static uint64_t simulation_now_on(void *instance, uint32_t clock)
{
    return is_known(clock) ? simulation_now(instance) : 0;
}

static int64_t refused_poll(struct trale_future *future, struct trale_context *context)
{
    (void)future, (void)context;
    return -EINVAL;
}

/* Simulated sleeps end at their deadlines, whatever slack they have. */
static void simulation_sleep_on(void *instance, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                                uint64_t slack_ns)
{
    static const struct trale_future_type refused = {sizeof refused, TRALE_ABI, "simulated_sleep", refused_poll, NULL};
    (void)slack_ns;
    simulation_sleep_until(instance, sleep, deadline_ns);
    if (!is_known(clock))
        sleep->future.type = &refused;
}

static void simulation_reset(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    if (sleep->waker != NULL)
        unlink_sleep(instance, sleep);
    sleep->future.own = deadline_ns;
    if (sleep->waker != NULL)
        link_sleep(instance, sleep);
}

static uint64_t simulation_before_wait(void *instance, uint32_t idle)
{
    struct simulation *simulation = instance;
    if (!idle || simulation->first == NULL)
        return UINT64_MAX;
    simulation->now_ns = simulation->first->future.own;
    simulation->first->waker->table->wake_by_ref(simulation->first->waker);
    return 0;
}

static int32_t simulation_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    (void)host, (void)settings;
    struct simulation *simulation = calloc(1, sizeof *simulation);
    if (simulation == NULL)
        return -ENOMEM;
    simulation->table = (struct trale_timer){
        .interface = {sizeof simulation->table, 1, simulation},
        .now = simulation_now,
        .sleep_until = simulation_sleep_until,
        .now_on = simulation_now_on,
        .sleep_on = simulation_sleep_on,
        .reset = simulation_reset,
    };
    simulation->now_ns = 1;
    *instance = simulation;
    return 0;
}

static void simulation_stop(void *instance)
{
    free(instance);
}

static const struct trale_interface *simulation_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.timer/1") == 0 ? &((struct simulation *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "simulated-timer", .version = "1.0", .summary = "time that moves when nothing else does",
             .interfaces = TRALE_TIMER_1, .start = simulation_start, .stop = simulation_stop,
             .interface = simulation_interface, .before_wait = simulation_before_wait);
