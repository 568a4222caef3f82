/* SPDX-License-Identifier: MIT
 *
 * The end of a replay: a difference, or the end of the recording. */
#ifndef SIM_REPLAY_DIFFERENCE_H
#define SIM_REPLAY_DIFFERENCE_H

#include "replay_state.h"

/* Aborts all tasks of the application. */
void replay_abort(struct replay *replay);

/* The record at the position is not what the program does; `did` says what that is. In a drop, nothing is said yet. */
void replay_differ(struct replay *replay, uint64_t position, const char *did);

/* The program has diverged. */
void replay_diverge(struct replay *replay, const char *message);

/* "FILE: record 4, at byte 328: what it is; the program: DID" */
void replay_compare(const struct replay *replay, char *text, size_t size, uint64_t position, const char *did);

/* A record has not what its kind has. */
void replay_refuse(struct replay *replay, const struct trale_record *record);

/* All records have been used. */
void replay_run_out(struct replay *replay);

#endif
