/* SPDX-License-Identifier: MIT */
#ifndef SIM_CRASH_H
#define SIM_CRASH_H

#include "host.h"

/* The sockets of a host that crashes lose what they have received, and are bound to nothing any more, so that others
 * can have their ports. The program may go on to use and to close them: they hear nothing. */
void crash_host(struct world *world, struct host *host);

#endif
