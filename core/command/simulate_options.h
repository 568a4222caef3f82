/* SPDX-License-Identifier: MIT
 *
 * The command line of `trale simulate`. */
#ifndef CORE_COMMAND_SIMULATE_OPTIONS_H
#define CORE_COMMAND_SIMULATE_OPTIONS_H

#include "core/simulate/options.h"

/* Reads the command line, which begins with "simulate". 0; or -1 after a message: the command line is wrong; or 1:
 * help was asked for. `options` is freed by simulate_options_deinit in any case. */
int simulate_options_read(struct simulate_options *options, int argc, char **argv);
void simulate_options_deinit(struct simulate_options *options);

#endif
