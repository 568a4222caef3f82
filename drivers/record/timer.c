/* SPDX-License-Identifier: MIT
 *
 * trale.timer/1 and trale.random/1. */
#include "recorder.h"

/* --- time --------------------------------------------------------------------------------------------------------- */

static uint64_t record_now(void *instance)
{
    struct recorder *recorder = instance;
    const struct trale_timer *below = recorder->timer_below;
    uint64_t now_ns = below->now(below->interface.instance);
    record_call(recorder, TRALE_RECORD_NOW, NULL, (int64_t)now_ns, NULL, 0);
    return now_ns;
}

static uint64_t record_now_on(void *instance, uint32_t clock)
{
    struct recorder *recorder = instance;
    const struct trale_timer *below = recorder->timer_below;
    const struct trale_record_inputs inputs = {.values = {clock}};
    uint64_t now_ns = below->now_on(below->interface.instance, clock);
    record_call(recorder, TRALE_RECORD_NOW_ON, &inputs, (int64_t)now_ns, NULL, 0);
    return now_ns;
}

static void record_sleep_until(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    struct recorder *recorder = instance;
    const struct trale_timer *below = recorder->timer_below;
    const struct trale_record_inputs inputs = {.values = {TRALE_CLOCK_CONFIGURED, deadline_ns, 0}};
    below->sleep_until(below->interface.instance, sleep, deadline_ns);
    record_call(recorder, TRALE_RECORD_SLEEP, &inputs, 0, NULL, 0);
    operation_made(recorder, TRALE_RECORD_SLEEP, &sleep->future);
}

static void record_sleep_on(void *instance, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                            uint64_t slack_ns)
{
    struct recorder *recorder = instance;
    const struct trale_timer *below = recorder->timer_below;
    const struct trale_record_inputs inputs = {.values = {clock, deadline_ns, slack_ns}};
    below->sleep_on(below->interface.instance, sleep, clock, deadline_ns, slack_ns);
    record_call(recorder, TRALE_RECORD_SLEEP, &inputs, 0, NULL, 0);
    operation_made(recorder, TRALE_RECORD_SLEEP, &sleep->future);
}

static void record_reset(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    struct recorder *recorder = instance;
    const struct trale_timer *below = recorder->timer_below;
    const struct trale_record_inputs inputs = {.values = {operation_number(recorder, &sleep->future), deadline_ns}};
    recorder_enter(recorder);
    below->reset(below->interface.instance, sleep, deadline_ns);
    recorder_leave(recorder);
    record_call(recorder, TRALE_RECORD_RESET, &inputs, 0, NULL, 0);
}

void recorder_set_timer(struct recorder *recorder)
{
    const struct trale_timer *below = recorder->timer_below;
    if (below == NULL)
        return;
    recorder->timer = (struct trale_timer){
        .interface = {sizeof recorder->timer, 1, recorder},
        .now = record_now,
        .sleep_until = record_sleep_until,
        .now_on = below->now_on != NULL ? record_now_on : NULL,
        .sleep_on = below->sleep_on != NULL ? record_sleep_on : NULL,
        .reset = below->reset != NULL ? record_reset : NULL,
    };
}

/* --- chance ------------------------------------------------------------------------------------------------------- */

static int32_t record_fill(void *instance, void *buf, uint64_t size)
{
    struct recorder *recorder = instance;
    const struct trale_random *below = recorder->random_below;
    int32_t r = below->fill(below->interface.instance, buf, size);
    const struct trale_record_inputs inputs = {.values = {size}};
    record_call(recorder, TRALE_RECORD_FILL, &inputs, r, buf, size);
    return r;
}

void recorder_set_random(struct recorder *recorder)
{
    if (recorder->random_below != NULL)
        recorder->random = (struct trale_random){{sizeof recorder->random, 1, recorder}, record_fill};
}
