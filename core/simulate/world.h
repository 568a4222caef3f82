/* SPDX-License-Identifier: MIT
 *
 * The world that the programs of a place share: the file is made here, and requests of the programs are answered
 * (<trale/sim_runner.h>). */
#ifndef CORE_SIMULATE_WORLD_H
#define CORE_SIMULATE_WORLD_H

#include "core/simulate/place.h"

/* Makes a new file for the next run of several programs; for one program there is none. 0 or a negative errno. */
int simulate_world_open(struct simulate_place *place, const struct simulate_setup *setup);
void simulate_world_close(struct simulate_place *place);

/* Does what a program has asked for, if one has. 0; or a negative errno, after a message: a program cannot be started
 * again. */
int simulate_world_answer(struct simulate_place *place, const struct simulate_setup *setup);

/* The life of a program, by its number from 0; of the only one: TRALE_SIM_JOINED. */
enum trale_sim_life simulate_world_life(const struct simulate_place *place, size_t number);

#endif
