/* SPDX-License-Identifier: MIT
 *
 * The table's functions for a socket's own address and its peer's. */
#ifndef UDP_CONNECT_H
#define UDP_CONNECT_H

#include <trale/udp.h>

int32_t udp_connect(void *instance, struct trale_udp_socket *socket, const struct trale_address *peer);
int32_t udp_local(void *instance, struct trale_udp_socket *socket, struct trale_address *address);
int32_t udp_peer(void *instance, struct trale_udp_socket *socket, struct trale_address *address);

#endif
