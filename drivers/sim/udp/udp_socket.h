/* SPDX-License-Identifier: MIT
 *
 * Sockets of the interface: opened, connected, configured, closed. */
#ifndef SIM_UDP_SOCKET_H
#define SIM_UDP_SOCKET_H

#include "udp.h"

/* The members of the table. */
int32_t udp_open(void *instance, const struct trale_address *local, uint32_t flags, struct trale_udp_socket **socket);
void udp_close(void *instance, struct trale_udp_socket *socket);
int32_t udp_connect(void *instance, struct trale_udp_socket *socket, const struct trale_address *peer);
int32_t udp_local(void *instance, struct trale_udp_socket *socket, struct trale_address *address);
int32_t udp_peer(void *instance, struct trale_udp_socket *socket, struct trale_address *address);
int32_t udp_adopt(void *instance, int32_t fd, struct trale_udp_socket **socket);
int32_t udp_inherit(void *instance, const char *name, struct trale_udp_socket **socket);

/* Frees the memory of closed sockets, when no operation is left. */
void udp_socket_free_all(struct udp *udp);

#endif
