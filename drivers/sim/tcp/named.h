/* SPDX-License-Identifier: MIT
 *
 * Unix stream sockets (unix(7)): connections within a host by a name, which no fault befalls. They are endpoints of
 * AF_UNIX without addresses, and are used as those of TCP (tcp.h). A name is no file: it ends with its listener. */
#ifndef SIM_NAMED_H
#define SIM_NAMED_H

#include "endpoint.h"

/* A name has that many bytes at most, with the '@' of an abstract one. */
#define NAMED_MAX 108u

/* 0, or -EINVAL: it is empty, or -ENAMETOOLONG. */
int named_check(const char *name);

/* Listens on a host. 0, or -EADDRINUSE, -ENOMEM. */
int named_listen(struct world *world, struct host *here, const char *name, struct endpoint **listener);

/* Connects, or begins to wait until the listener's queue has room. 0, or -ENOENT, -ECONNREFUSED, -ENOMEM. */
int named_connect(struct world *world, struct host *here, const char *name, struct endpoint **endpoint);

/* The queue of a listener has room: a connect that waits goes on. */
void named_go_on(struct world *world, struct endpoint *listener);

#endif
