/* SPDX-License-Identifier: MIT
 *
 * What the runs of a sweep have in common: found, read and made before the first. */
#ifndef CORE_COMMAND_SIMULATE_SETUP_H
#define CORE_COMMAND_SIMULATE_SETUP_H

#include "core/simulate/place.h"

/* 0; or a negative errno, and messages on stderr. *setup is freed by simulate_setup_deinit in any case. */
int simulate_setup(struct simulate_setup *setup, const struct simulate_options *options);

/* Removes the folder of the sweep, unless folders are left in it. */
void simulate_setup_deinit(struct simulate_setup *setup);

#endif
