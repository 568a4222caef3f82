/* SPDX-License-Identifier: MIT
 *
 * The command that runs one seed again. */
#ifndef CORE_SIMULATE_REPLAY_H
#define CORE_SIMULATE_REPLAY_H

#include <stdio.h>

#include "core/simulate/options.h"

/* Writes it as words for a shell, without a newline. `await` is 0 if no task was cancelled. `scenario` is used in place
 * of that of the options; NULL: it is not. */
void simulate_replay_print(const struct simulate_options *options, int64_t seed, int64_t await, const char *scenario,
                           FILE *file);

#endif
