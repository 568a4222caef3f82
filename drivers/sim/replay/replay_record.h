/* SPDX-License-Identifier: MIT
 *
 * What the program does, compared with the recording; and what wakes its tasks. */
#ifndef SIM_REPLAY_RECORD_H
#define SIM_REPLAY_RECORD_H

#include "replay_state.h"

/* Compares what the program does with the next record, which is returned. `number` is the operation's, 0 where there is
 * none yet. NULL: they differ, and the log has said so, or the replay is over. */
const struct trale_record *replay_take(struct replay *replay, enum trale_record_kind kind, uint32_t what,
                                       uint64_t number, const struct trale_record_inputs *inputs);

/* A call of the program, with at most one output, which is filled if the recorded result is 0. Returns that result;
 * -ECANCELED: it differs, or the replay is over. */
int32_t replay_call(struct replay *replay, uint32_t what, const struct trale_record_inputs *inputs, void *output,
                    uint64_t size);

/* The record of a poll of this operation if it is the next one; NULL: the poll has no result. */
const struct trale_record *replay_poll(struct replay *replay, uint64_t number, const struct trale_waker *waker);

/* Wakes what was woken at this point between two polls. The task whose poll has just ended, NULL if none has, is queued
 * only after this: it, and what was woken after it, are left for the next call. */
void replay_wake_due(struct replay *replay, const struct trale_task *polled);

/* The program waits: wakes what was woken next, or says that the recorded program went on without a wake. */
void replay_wake_next(struct replay *replay);

/* The position behind a record, in its stream. */
uint64_t replay_next(const struct replay *replay, uint64_t position);

/* Whether the record's result is an error, or at most `most`. */
static inline bool record_result_is_good(const struct trale_record *record, uint64_t most)
{
    return record->result >= -4095 && (record->result < 0 || (uint64_t)record->result <= most);
}

#endif
