/* SPDX-License-Identifier: MIT
 *
 * The options about faults: a scenario, or what is drawn. */
#ifndef SIM_COURSE_OPEN_H
#define SIM_COURSE_OPEN_H

#include "program.h"

/* Reads them, and makes the plan of the world, if this is its first program. 0, or an error, which is in the log. */
int course_open(struct program *program);
void course_close(struct program *program);

#endif
