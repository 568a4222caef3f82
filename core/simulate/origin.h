/* SPDX-License-Identifier: MIT
 *
 * Where the lines of a run's trale.ini come from. A line of it that the user can change is below a comment that says
 * what was written where: "; from FILE:LINE" or "; from --set KEY=VALUE". */
#ifndef CORE_SIMULATE_ORIGIN_H
#define CORE_SIMULATE_ORIGIN_H

#include <stdio.h>

#define ORIGIN "; from "

/* Prints a message about the trale.ini `path`: in place of its name and line, where that comes from. Other messages are
 * printed as they are. */
void simulate_origin_print(const char *path, const char *message, FILE *file);

#endif
