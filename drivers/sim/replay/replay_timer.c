/* SPDX-License-Identifier: MIT
 *
 * trale.timer/1 and trale.random/1 of a program that is replayed. */
#include "replay_operation.h"
#include "replay_record.h"
#include "replay_table.h"

/* --- time --------------------------------------------------------------------------------------------------------- */

/* When the replay is over, time still passes, for a loop that waits for it. */
static uint64_t now_of(struct replay *replay, const struct trale_record *record)
{
    return record != NULL ? (uint64_t)record->result : replay->last_ns + TRALE_MILLISECOND;
}

/* The world's clock goes with the recorded one. */
static uint64_t replay_now(void *instance)
{
    struct replay *replay = instance;
    uint64_t now_ns = now_of(replay, replay_take(replay, TRALE_RECORD_CALL, TRALE_RECORD_NOW, 0, NULL));
    struct world *world = replay->program->world;
    if (replay->last_ns == 0)
        replay->first_ns = replay->last_ns = now_ns;
    if (now_ns > replay->last_ns) {
        replay->last_ns = now_ns;
        world->now_ns = WORLD_BEGINS_NS + (now_ns - replay->first_ns);
    }
    return now_ns;
}

static uint64_t replay_now_on(void *instance, uint32_t clock)
{
    struct replay *replay = instance;
    const struct trale_record_inputs inputs = {.values = {clock}};
    return now_of(replay, replay_take(replay, TRALE_RECORD_CALL, TRALE_RECORD_NOW_ON, 0, &inputs));
}

static void make(struct replay *replay, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                 uint64_t slack_ns)
{
    const struct trale_record_inputs inputs = {.values = {clock, deadline_ns, slack_ns}};
    (void)replay_take(replay, TRALE_RECORD_CALL, TRALE_RECORD_SLEEP, 0, &inputs);
    *sleep = (struct trale_sleep){.future = {.own = deadline_ns}, .state = TRALE_SLEEP_NEW + 1};
    replay_operation_make(replay, TRALE_RECORD_SLEEP, &sleep->future);
}

static void replay_sleep_until(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    make(instance, sleep, TRALE_CLOCK_CONFIGURED, deadline_ns, 0);
}

static void replay_sleep_on(void *instance, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                            uint64_t slack_ns)
{
    make(instance, sleep, clock, deadline_ns, slack_ns);
}

static void replay_reset(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    uint64_t number = replay_operation_number(TRALE_RECORD_SLEEP, &sleep->future);
    const struct trale_record_inputs inputs = {.values = {number, deadline_ns}};
    (void)replay_take(instance, TRALE_RECORD_CALL, TRALE_RECORD_RESET, 0, &inputs);
    sleep->future.own = deadline_ns;
}

void replay_set_timer(struct replay *replay)
{
    replay->timer = (struct trale_timer){
        .interface = {sizeof replay->timer, 1, replay},
        .now = replay_now,
        .sleep_until = replay_sleep_until,
        .now_on = replay_now_on,
        .sleep_on = replay_sleep_on,
        .reset = replay_reset,
    };
}

/* --- chance ------------------------------------------------------------------------------------------------------- */

static int32_t replay_fill(void *instance, void *buf, uint64_t size)
{
    const struct trale_record_inputs inputs = {.values = {size}};
    return replay_call(instance, TRALE_RECORD_FILL, &inputs, buf, size);
}

void replay_set_random(struct replay *replay)
{
    replay->random = (struct trale_random){{sizeof replay->random, 1, replay}, replay_fill};
}
