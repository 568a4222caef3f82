/* SPDX-License-Identifier: MIT
 *
 * Where endpoints are: their addresses and ports, and which listener a connection is for. */
#ifndef SIM_PLACE_H
#define SIM_PLACE_H

#include "endpoint.h"

/* Binds an endpoint that has a host, a family and its flags to an unmapped address; for port 0 one is chosen. 0, or
 * -EADDRINUSE or -ENOMEM. */
int place_bind(struct world *world, struct endpoint *endpoint, const struct trale_address *local);

/* Gives an endpoint its peer, and its own address and port as far as it has none (`local` is AF_UNSPEC). Both are
 * unmapped. 0, or -EADDRNOTAVAIL (no port is free, or there is such a connection), -ENETUNREACH, -EINVAL, -ENOMEM. */
int place_connect(struct world *world, struct endpoint *endpoint, const struct trale_address *peer);

/* The endpoint of a host with these addresses, which is no listener; NULL: none. */
struct endpoint *place_find(const struct host *host, const struct trale_address *local,
                            const struct trale_address *peer);

/* Of listeners that share a port, no more than these get connections. */
#define PLACE_SHARERS 64u

/* The listener for a connection from one address to another; NULL: none. */
struct endpoint *place_listener(const struct world *world, const struct host *host, const struct trale_address *from,
                                const struct trale_address *to, uint32_t interface_index);

#endif
