/* SPDX-License-Identifier: MIT */
#include "replay_record.h"

#include <errno.h>

#include "replay_difference.h"
#include "replay_text.h"

static bool was_closed(const struct replay *replay)
{
    return replay->recording.state == TRALE_RECORDING_CLOSED && !replay->recording.is_cut;
}

/* --- wakes -------------------------------------------------------------------------------------------------------- */

uint64_t replay_next(const struct replay *replay, uint64_t position)
{
    const struct trale_record *record = recording_at(&replay->recording, position);
    return recording_find(&replay->recording, position + record->size, (record->flags & TRALE_RECORD_OUTSIDE) != 0);
}

static void advance(struct replay *replay, bool is_outside, uint64_t position)
{
    if (is_outside) {
        replay->outside = replay_next(replay, position);
        return;
    }
    replay->inside = replay_next(replay, position);
    replay->n_polls = 0;
    replay->idle_at = 0;
}

/* The record at a position if it is of a wake, within a call or not. */
static const struct trale_record *wake_at(const struct replay *replay, uint64_t position, bool is_within)
{
    const struct trale_record *record = recording_at(&replay->recording, position);
    bool is_one = record != NULL && record->kind == TRALE_RECORD_WAKE &&
                  ((record->flags & TRALE_RECORD_WITHIN) != 0) == is_within;
    return is_one ? record : NULL;
}

static void wake(struct replay *replay, const struct trale_record *record)
{
    const struct replay_operation *operation = replay_waiting_find(&replay->waiting, record->number);
    if (record->number != 0 && record->number == replay->polled)
        program_wake(replay->program, replay->polled_waker);
    else if (operation != NULL)
        program_wake(replay->program, operation->waker);
    else if (record->number == 0)
        replay->waits_outside = true;
}

void replay_wake_due(struct replay *replay, const struct trale_task *polled)
{
    const struct trale_record *record;
    while (replay->state == REPLAY_GOES_ON && (record = wake_at(replay, replay->inside, false)) != NULL &&
           replay->n_polls >= record->n_polls) {
        const struct replay_operation *operation = replay_waiting_find(&replay->waiting, record->number);
        if (polled != NULL && operation != NULL && operation->task == polled)
            return;
        advance(replay, false, replay->inside);
        wake(replay, record);
    }
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static bool is_same(const struct trale_record *record, enum trale_record_kind kind, uint32_t what, uint64_t number,
                    const struct trale_record_inputs *inputs)
{
    const struct trale_record_inputs *recorded = record_inputs(record);
    return record->kind == kind && record->what == what && (number == 0 || record->number == number) &&
           (inputs != NULL) == (recorded != NULL) && (inputs == NULL || memcmp(inputs, recorded, sizeof *inputs) == 0);
}

const struct trale_record *replay_take(struct replay *replay, enum trale_record_kind kind, uint32_t what,
                                       uint64_t number, const struct trale_record_inputs *inputs)
{
    bool is_outside = replay->running == NULL;
    if (replay->state != REPLAY_GOES_ON)
        return NULL;
    for (const struct trale_record *woken; !is_outside && (woken = wake_at(replay, replay->inside, true)) != NULL;) {
        uint32_t n_polls = replay->n_polls;
        advance(replay, false, replay->inside);
        replay->n_polls = n_polls;
        wake(replay, woken);
    }
    uint64_t position = is_outside ? replay->outside : replay->inside;
    const struct trale_record *record = recording_at(&replay->recording, position);
    if (record == NULL && !was_closed(replay)) {
        replay_run_out(replay);
        return NULL;
    }
    if (record != NULL && is_same(record, kind, what, number, inputs)) {
        advance(replay, is_outside, position);
        replay->waits_outside = false;
        return record;
    }
    char did[REPLAY_TEXT];
    replay_describe(did, kind, what, number, inputs);
    replay_differ(replay, position, did);
    return NULL;
}

int32_t replay_call(struct replay *replay, uint32_t what, const struct trale_record_inputs *inputs, void *output,
                    uint64_t size)
{
    const struct trale_record *record = replay_take(replay, TRALE_RECORD_CALL, what, 0, inputs);
    if (record == NULL)
        return -ECANCELED;
    uint64_t left;
    const char *bytes = record_outputs(record, &left);
    if (!record_result_is_good(record, 0) || (record->result == 0 && left < size)) {
        replay_refuse(replay, record);
        return -ECANCELED;
    }
    if (record->result == 0 && size > 0)
        memcpy(output, bytes, size);
    return (int32_t)record->result;
}

const struct trale_record *replay_poll(struct replay *replay, uint64_t number, const struct trale_waker *waker)
{
    bool is_outside = replay->running == NULL;
    uint64_t position = is_outside ? replay->outside : replay->inside;
    const struct trale_record *record = recording_at(&replay->recording, position);
    if (replay->state != REPLAY_GOES_ON || record == NULL || (!is_outside && replay->n_polls < record->n_polls))
        return NULL;
    while (!is_outside && wake_at(replay, position, true) != NULL) {
        position = replay_next(replay, position);
        record = recording_at(&replay->recording, position);
    }
    if (record == NULL || record->number != number ||
        (record->kind != TRALE_RECORD_END && record->kind != TRALE_RECORD_PENDING))
        return NULL;
    replay->polled = number;
    replay->polled_waker = waker;
    record = replay_take(replay, (enum trale_record_kind)record->kind, record->what, number, NULL);
    replay->polled = 0;
    return record;
}

/* --- rest --------------------------------------------------------------------------------------------------------- */

/* The program waits, and the next record is not of a wake: it goes on if that is the result of an operation that waits,
 * else the recorded program has done something here. */
static void wait_differs(struct replay *replay, const struct trale_record *record)
{
    const struct replay_operation *operation = replay_waiting_find(&replay->waiting, record->number);
    bool is_result = record->kind == TRALE_RECORD_END || record->kind == TRALE_RECORD_PENDING;
    bool is_first = replay->idle_at != replay->inside;
    replay->idle_at = replay->inside;
    if (is_first && is_result && operation != NULL) {
        replay->n_polls = UINT32_MAX;
        program_wake(replay->program, operation->waker);
        return;
    }
    /* A task that was dropped as a whole was aborted from outside, by another thread. */
    if (is_first && (record->flags & TRALE_RECORD_IN_DROP) != 0 && operation != NULL) {
        replay->inspector->abort(replay->inspector->context, (struct trale_task *)(uintptr_t)operation->task);
        replay->program->n_wakes++;
        return;
    }
    if (!replay->waits_outside)
        replay_differ(replay, replay->inside, "all of its tasks wait");
}

void replay_wake_next(struct replay *replay)
{
    const struct trale_record *record = recording_at(&replay->recording, replay->inside);
    if (record == NULL) {
        replay_run_out(replay);
    } else if (wake_at(replay, replay->inside, false) != NULL) {
        advance(replay, false, replay->inside);
        wake(replay, record);
    } else {
        wait_differs(replay, record);
    }
}
