/* SPDX-License-Identifier: MIT
 *
 * The life of a socket: bound to an address, given a peer, closed. */
#ifndef SIM_PEER_H
#define SIM_PEER_H

#include "socket.h"

/* How a socket is opened. */
struct peer_flags {
    bool reuse_address, reuse_port, v6_only, free_bind;
};

/* Opens a socket that is bound to an address. That may be any address: a host that has it appears. An address that no
 * host can have alone, such as 0.0.0.0, 127.0.0.1 or a group, is one of `here`. 0, or -EADDRINUSE, -EINVAL, -ENOMEM. */
int peer_open(struct world *world, struct host *here, const struct trale_address *local, const struct peer_flags *flags,
              struct socket **socket);

void peer_close(struct world *world, struct socket *socket);

/* Sets the peer, or removes it (AF_UNSPEC). Errors as of trale_udp_connect. */
int peer_connect(struct world *world, struct socket *socket, const struct trale_address *peer);

/* The peer of a socket that has one, with the zone that it has now. */
struct trale_address peer_address(const struct socket *socket);

/* The form in which a socket shows an address: an IPv6 socket has IPv4 addresses mapped. */
struct trale_address peer_show(const struct socket *socket, const struct trale_address *address);

#endif
