/* SPDX-License-Identifier: MIT
 *
 * `trale simulate`: runs programs in simulated worlds. */
#ifndef CORE_COMMAND_SIMULATE_H
#define CORE_COMMAND_SIMULATE_H

extern const char simulate_usage[], simulate_help[];

/* The subcommand: argv begins with its name. Returns the exit status. */
int command_simulate(int argc, char **argv);

#endif
