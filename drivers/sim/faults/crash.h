/* SPDX-License-Identifier: MIT */
#ifndef SIM_CRASH_H
#define SIM_CRASH_H

#include "host.h"

/* The sockets of a host that crashes lose what they have received, and are bound to nothing any more, so that others
 * can have their ports. The program may go on to use and to close them: they hear nothing. */
void crash_host(struct world *world, struct host *host);

/* The same for the sockets of a program that has died, which are closed. The program leaves the world. */
void crash_program(struct world *world, struct world_program *program);

#endif
