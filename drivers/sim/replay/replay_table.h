/* SPDX-License-Identifier: MIT
 *
 * The tables of functions of a replay. */
#ifndef SIM_REPLAY_TABLE_H
#define SIM_REPLAY_TABLE_H

#include "replay_state.h"

void replay_set_timer(struct replay *replay);
void replay_set_random(struct replay *replay);
void replay_set_udp(struct replay *replay);

#endif
