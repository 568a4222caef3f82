/* SPDX-License-Identifier: MIT
 *
 * Ports of a host: who may have one, and which socket a datagram is for. */
#ifndef SIM_PORT_H
#define SIM_PORT_H

#include "socket.h"

/* The ports that are chosen for sockets (net.ipv4.ip_local_port_range): one after the other, from one that is drawn, so
 * that none is used again at once. */
#define PORT_EPHEMERAL_FIRST 32768u
#define PORT_EPHEMERAL_LAST 60999u

/* Binds a socket that has a family, a host and its flags; for port 0 one is chosen. 0, or -EADDRINUSE or -ENOMEM. */
int port_bind(struct world *world, struct socket *socket, const struct trale_address *local);

/* The socket is bound to no port any more. Nothing happens if it is not bound. */
void port_unbind(struct socket *socket);

/* Notes which datagrams can come to a socket, from its addresses. Call it when one of them has changed. */
void port_update(struct socket *socket);

/* The socket for a datagram to one host, at that interface; NULL: none. */
struct socket *port_find(const struct world *world, const struct host *host, const struct trale_address *from,
                         const struct trale_address *to, uint32_t interface_index);

/* Whether a socket of its port takes a datagram to a group or a broadcast, but for the groups that it has joined. */
bool port_takes(const struct socket *socket, const struct trale_address *from, const struct trale_address *to,
                uint32_t interface_index);

#endif
