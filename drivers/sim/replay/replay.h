/* SPDX-License-Identifier: MIT
 *
 * A run that was recorded, again: the program gets from trale.timer/1, trale.udp/1 and trale.random/1 what it got then,
 * as long as it does what it did then. The world has no part in it. */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "replay_state.h"

/* Reads the file that the option `replay` names. 0, or a negative errno, and the log says why. `end` is called with the
 * outcome, once. */
int replay_open(struct replay **replay, struct program *program, const struct trale_inspector *inspector,
                void (*end)(void *sim, enum trale_sim_outcome outcome), void *sim);

/* [stop] The program has closed: if it did so earlier than in the recording, it has diverged, and the log says so. */
void replay_finish(struct replay *replay);
void replay_close(struct replay *replay);

/* What the observer of the program passes on. */
extern const struct trale_observer replay_observer;

uint64_t replay_before_wait(struct replay *replay, uint32_t idle);

#endif
