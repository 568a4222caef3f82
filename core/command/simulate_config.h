/* SPDX-License-Identifier: MIT
 *
 * The trale.ini of a simulated program, made from its own: the driver sim takes the place of the drivers whose
 * interfaces it offers. */
#ifndef CORE_COMMAND_SIMULATE_CONFIG_H
#define CORE_COMMAND_SIMULATE_CONFIG_H

#include "core/simulate/config.h"
#include "core/simulate/options.h"

/* Reads the program's configuration, and makes that of the simulation from it. Every mistake in it is shown on stderr.
 * 0 or a negative errno. *config is freed by simulate_config_deinit in any case. */
int simulate_config_read(struct simulate_config *config, const struct simulate_options *options);

/* Reads a trale.ini that was written, with all its drivers, and shows its mistakes on stderr. 0 or -EINVAL. */
int simulate_config_check(const char *path);

#endif
