/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.timer/1": sleeping until a deadline. Offered by drivers/timer/timer.c, used through
 * the functions at the end.
 *
 * Times are nanoseconds in 64 bits, on the clock that the driver is configured for. A deadline is absolute on that
 * clock. A sleep never ends early: when it resolves, the clock has reached the deadline. The deadline UINT64_MAX never
 * comes.
 */
#ifndef TRALE_TIMER_H
#define TRALE_TIMER_H

#include <trale/driver.h>
#include <trale/trale.h>

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRALE_NANOSECOND UINT64_C(1)
#define TRALE_MICROSECOND UINT64_C(1000)
#define TRALE_MILLISECOND UINT64_C(1000000)
#define TRALE_SECOND UINT64_C(1000000000)

/* The clocks (clock_gettime(2)). */
#define TRALE_CLOCK_CONFIGURED 0u /* the clock that the driver is configured for */
#define TRALE_CLOCK_MONOTONIC 1u  /* does not count while the machine is suspended */
#define TRALE_CLOCK_BOOTTIME 2u   /* counts also while the machine is suspended */
#define TRALE_CLOCK_REALTIME 3u   /* the time of day: deadlines follow the clock when it is set */

/* The `state` of a sleep that no driver has seen; the other states are the driver's own. */
#define TRALE_SLEEP_NEW 0u

/* A sleep. `future.own` is its deadline in nanoseconds; before the first poll of a trale_sleep, the duration. From
 * sleep_until to the end of the sleep, the members after `future` are the driver's, in any state but TRALE_SLEEP_NEW,
 * and no other code reads them. */
struct trale_sleep {
    struct trale_future future;
    void *driver;
    const struct trale_waker *waker;
    union {
        uint64_t slack_ns;        /* TRALE_SLEEP_NEW: how late it may end */
        struct trale_sleep *next; /* in a list */
    };
    union {
        uint32_t clock;    /* TRALE_SLEEP_NEW: TRALE_CLOCK_ */
        uint32_t position; /* in a queue */
    };
    uint32_t state;
};

#define TRALE_TIMER_1_SIZE 56
#define TRALE_TIMER_1 TRALE_INTERFACE("trale.timer/1", TRALE_TIMER_1_SIZE)

struct trale_timer {
    struct trale_interface interface; /* version 1 */

    /* [any] The clock, in nanoseconds. */
    uint64_t (*now)(void *instance);

    /* [executor] Makes *sleep a future that resolves to 0 when the clock has reached `deadline_ns`; at the first poll
     * if it has reached it by then. Or to a negative errno if the driver cannot wait (-ENOMEM). Sets its `state` and
     * the `type` of its future, and zeroes the future's other members. The driver sets the type only here, in sleep_on
     * and in polls: a layer (layer.h) may have replaced it. */
    void (*sleep_until)(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns);

    /* [any] The time on one of the TRALE_CLOCK_ clocks, in nanoseconds; 0 if the driver does not know the clock. */
    uint64_t (*now_on)(void *instance, uint32_t clock);

    /* [executor] As sleep_until, on one of the TRALE_CLOCK_ clocks. The sleep may resolve late, by `slack_ns` and the
     * configured slack together. Resolves to -EINVAL if the driver does not know the clock, or to the error that keeps
     * it from waiting for that clock (timerfd_create(2)). */
    void (*sleep_on)(void *instance, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                     uint64_t slack_ns);

    /* [executor] Gives a sleep that has not resolved, and that this table has made, a new deadline, on the same clock,
     * with the same slack. Where the driver cannot wait for it (-ENOMEM), the sleep resolves to that. */
    void (*reset)(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns);
};

/* The runtime's timer, or NULL if no driver offers one. [any] */
static inline const struct trale_timer *trale_timer(struct trale *runtime)
{
    return (const struct trale_timer *)trale_interface(runtime, TRALE_TIMER_1, sizeof(struct trale_timer));
}

/* The time on the configured clock, in nanoseconds; 0 if no driver offers a timer. [any] */
static inline uint64_t trale_now(struct trale *runtime)
{
    const struct trale_timer *timer = trale_timer(runtime);
    return timer != NULL ? timer->now(timer->interface.instance) : 0;
}

/* The same on one of the TRALE_CLOCK_ clocks; 0 also if the driver does not know it. [any] */
static inline uint64_t trale_now_on(struct trale *runtime, uint32_t clock)
{
    const struct trale_timer *timer = trale_timer(runtime);
    return timer != NULL ? timer->now_on(timer->interface.instance, clock) : 0;
}

/* a + b, or UINT64_MAX if the sum is larger. */
static inline uint64_t trale_time_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The first poll of a sleep. Here the runtime is known, and so the driver, which takes the future over. */
static inline int64_t trale_sleep_begin_(struct trale_future *future, struct trale_context *context, int relative)
{
    struct trale_sleep *sleep = (struct trale_sleep *)(void *)future;
    const struct trale_timer *timer = trale_timer(context->runtime);
    if (timer == NULL)
        return -ENODEV;
    void *instance = timer->interface.instance;
    uint64_t deadline_ns = trale_time_add(relative ? timer->now(instance) : 0, sleep->future.own);
    if (sleep->clock == TRALE_CLOCK_CONFIGURED && sleep->slack_ns == 0)
        timer->sleep_until(instance, sleep, deadline_ns);
    else
        timer->sleep_on(instance, sleep, sleep->clock, deadline_ns, sleep->slack_ns);
    return trale_future_poll(future, context);
}

static inline int64_t trale_sleep_for_poll_(struct trale_future *future, struct trale_context *context)
{
    return trale_sleep_begin_(future, context, 1);
}

static inline int64_t trale_sleep_until_poll_(struct trale_future *future, struct trale_context *context)
{
    return trale_sleep_begin_(future, context, 0);
}

/* These make *sleep a sleep that has not begun. */
static inline void trale_sleep_for_(struct trale_sleep *sleep, uint64_t duration_ns)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_sleep", trale_sleep_for_poll_, NULL};
    memset(sleep, 0, sizeof *sleep);
    sleep->future.type = &type;
    sleep->future.own = duration_ns;
}

static inline void trale_sleep_set_(struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns, uint64_t slack_ns)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_sleep_until", trale_sleep_until_poll_,
                                                  NULL};
    memset(sleep, 0, sizeof *sleep);
    sleep->future.type = &type;
    sleep->future.own = deadline_ns;
    sleep->slack_ns = slack_ns;
    sleep->clock = clock;
}

/* A future that resolves to 0 when `duration_ns` have passed since its first poll; or to -ENODEV (no timer driver),
 * -ENOMEM, or an error of epoll_ctl(2) or timerfd_settime(2). A duration of 0 resolves at once, UINT64_MAX never.
 * May be called anywhere; the future is awaited in a task. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_sleep(struct trale_sleep *sleep, uint64_t duration_ns)
{
    trale_sleep_for_(sleep, duration_ns);
    return &sleep->future;
}

/* The same for a deadline on one of the TRALE_CLOCK_ clocks; a deadline that has passed resolves at once. The sleep may
 * end up to `slack_ns` late, so that sleeps that end close together cost one wake-up of the machine. More errors:
 * -EINVAL (the driver does not know the clock), and those of timerfd_create(2). */
TRALE_CHECK_RESULT static inline struct trale_future *trale_sleep_on(struct trale_sleep *sleep, uint32_t clock,
                                                                     uint64_t deadline_ns, uint64_t slack_ns)
{
    trale_sleep_set_(sleep, clock, deadline_ns, slack_ns);
    return &sleep->future;
}

/* The same on the configured clock, without slack. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_sleep_until(struct trale_sleep *sleep, uint64_t deadline_ns)
{
    return trale_sleep_on(sleep, TRALE_CLOCK_CONFIGURED, deadline_ns, 0);
}

/* Gives a sleep that has not resolved a new deadline, earlier or later, on its clock. The task that awaits the sleep
 * goes on waiting, also if it has been woken but not polled yet; or, if memory is out, the sleep resolves to -ENOMEM.
 * Returns 0; -ENODEV (no timer driver); -EPERM: the
 * sleep has begun, and the caller is no task. [in a task of the same runtime; any thread before the first poll] */
static inline int trale_sleep_reset(struct trale_sleep *sleep, uint64_t deadline_ns)
{
    if (sleep->state == TRALE_SLEEP_NEW) {
        trale_sleep_set_(sleep, sleep->clock, deadline_ns, sleep->slack_ns);
        return 0;
    }
    struct trale *runtime = trale_current();
    if (runtime == NULL)
        return -EPERM;
    const struct trale_timer *timer = trale_timer(runtime);
    if (timer == NULL)
        return -ENODEV;
    timer->reset(timer->interface.instance, sleep, deadline_ns);
    return 0;
}

/* What happens to missed ticks, which were due before they were awaited. */
#define TRALE_TICKS_SKIP 0u  /* they are skipped: the next tick is the first in the future, in phase with the others */
#define TRALE_TICKS_BURST 1u /* they resolve at once, one after the other, until none is missed */
#define TRALE_TICKS_DELAY 2u /* they delay all later ticks: the next tick is one period after this one resolved */

/* Ticks at `first_ns`, `first_ns` + `period_ns`, and so on. trale_await(trale_tick(...)) waits for the next tick and
 * resolves to the number of ticks since the last await: 1 if none was missed, and always 1 with BURST and DELAY. A tick
 * that is dropped while it is awaited is not lost: the next await waits for the same tick. */
struct trale_interval {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t next_ns;   /* the next tick */
    uint64_t period_ns; /* 0 means 1 */
    uint32_t missed;    /* TRALE_TICKS_; may be changed between ticks */
    uint32_t reserved;
};

static inline int64_t trale_tick_poll_(struct trale_future *future, struct trale_context *context)
{
    struct trale_interval *interval = (struct trale_interval *)(void *)future;
    int64_t slept = trale_future_poll(&interval->sleep.future, context);
    if (slept != 0)
        return slept;
    uint64_t now_ns = trale_now(context->runtime);
    uint64_t late_ns = now_ns > interval->next_ns ? now_ns - interval->next_ns : 0;
    uint64_t period_ns = interval->period_ns > 0 ? interval->period_ns : 1;
    uint64_t n_ticks = interval->missed == TRALE_TICKS_SKIP ? late_ns / period_ns + 1 : 1;
    uint64_t from_ns = interval->missed == TRALE_TICKS_DELAY ? interval->next_ns + late_ns : interval->next_ns;
    interval->next_ns = trale_time_add(from_ns, n_ticks * period_ns);
    return n_ticks > INT64_MAX ? INT64_MAX : (int64_t)n_ticks;
}

/* Sets the first tick and the period, with TRALE_TICKS_SKIP; set `missed` for another policy. */
static inline void trale_interval_start(struct trale_interval *interval, uint64_t first_ns, uint64_t period_ns)
{
    memset(interval, 0, sizeof *interval);
    interval->next_ns = first_ns;
    interval->period_ns = period_ns;
}

TRALE_CHECK_RESULT static inline struct trale_future *trale_tick(struct trale_interval *interval)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_tick", trale_tick_poll_, NULL};
    trale_future_init(&interval->future, &type);
    interval->future.awaiting = trale_sleep_until(&interval->sleep, interval->next_ns);
    return &interval->future;
}

/* A future that resolves to the result of `future`. If there is none after `duration_ns`, it drops `future` and
 * resolves to -ETIMEDOUT; or, if its own sleep fails, to the error of that (as trale_sleep). If both are ready, the
 * result wins. */
struct trale_timeout {
    struct trale_future future; /* `awaiting` is the future that has a timeout */
    struct trale_sleep sleep;
};

static inline int64_t trale_timeout_poll_(struct trale_future *future, struct trale_context *context)
{
    struct trale_timeout *timeout = (struct trale_timeout *)(void *)future;
    if (future->awaiting == NULL)
        return -EINVAL;
    uint32_t budget = context->budget;
    int64_t result = trale_future_poll(future->awaiting, context);
    if (result != TRALE_PENDING) {
        trale_future_drop(&timeout->sleep.future);
        return result;
    }
    trale_context_lend(context, budget);
    int64_t slept = trale_future_poll(&timeout->sleep.future, context);
    if (slept == TRALE_PENDING)
        return TRALE_PENDING;
    /* The first poll of a future may only begin to wait: poll again before giving up. */
    result = trale_future_poll(future->awaiting, context);
    if (result != TRALE_PENDING)
        return result;
    trale_future_drop(future->awaiting);
    return slept < 0 ? slept : -ETIMEDOUT;
}

static inline void trale_timeout_drop_(struct trale_future *future)
{
    trale_future_drop(&((struct trale_timeout *)(void *)future)->sleep.future);
}

TRALE_CHECK_RESULT static inline struct trale_future *trale_timeout(struct trale_timeout *timeout,
                                                                    struct trale_future *future, uint64_t duration_ns)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_timeout", trale_timeout_poll_,
                                                  trale_timeout_drop_};
    trale_future_init(&timeout->future, &type);
    timeout->future.awaiting = future;
    trale_sleep_for_(&timeout->sleep, duration_ns);
    return &timeout->future;
}

/* The same with a deadline. A chain of calls that shares a deadline passes it down as a number, and each await in the
 * chain is in such a future; or one such future around the whole chain ends all of it. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_deadline(struct trale_timeout *timeout,
                                                                     struct trale_future *future, uint64_t deadline_ns)
{
    struct trale_future *timed = trale_timeout(timeout, future, 0);
    trale_sleep_set_(&timeout->sleep, TRALE_CLOCK_CONFIGURED, deadline_ns, 0);
    return timed;
}

static_assert(sizeof(struct trale_sleep) == 64, "part of frames");
static_assert(offsetof(struct trale_timer, reset) + sizeof(void *) == TRALE_TIMER_1_SIZE, "append only");

#ifdef __cplusplus
}
#endif

#endif
