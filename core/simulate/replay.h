/* SPDX-License-Identifier: MIT
 *
 * The command that runs one seed again. */
#ifndef CORE_SIMULATE_REPLAY_H
#define CORE_SIMULATE_REPLAY_H

#include <stdio.h>

#include "core/simulate/options.h"

/* Writes it as words for a shell, without a newline. `scenario` takes the place of that of the options; NULL: it does
 * not. */
void simulate_replay_print(const struct simulate_options *options, int64_t seed, const char *scenario, FILE *file);

#endif
