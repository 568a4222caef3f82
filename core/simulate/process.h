/* SPDX-License-Identifier: MIT
 *
 * The processes of a program: started, and ended with all that they have started. A process that has lost its parent
 * becomes a child of the command, and is found by its environment, which names the trale.ini of the program. */
#ifndef CORE_SIMULATE_PROCESS_H
#define CORE_SIMULATE_PROCESS_H

#include "core/simulate/place.h"

/* From now on processes that lose their parents become children of this one. */
void simulate_process_adopt(void);

/* Starts the program by that number, from 0, in its place. 0; or a negative errno, and a message on stderr. */
int simulate_process_start(struct simulate_place *place, const struct simulate_setup *setup, size_t number);

/* Kills the program, if it runs, and all that it has started; sets `status`. */
void simulate_process_kill(struct simulate_process *process);

/* The same for a program whose first process has ended, and was not waited for yet. Returns whether it had left others
 * in another process group. */
bool simulate_process_end(struct simulate_process *process);

#endif
