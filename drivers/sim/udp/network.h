/* SPDX-License-Identifier: MIT
 *
 * The options about the network: what it does to datagrams when no fault is active, and where the program is. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "program.h"

/* Reads them. 0, or an error, which is in the log. */
int network_open(struct program *program);

#endif
