/* SPDX-License-Identifier: MIT
 *
 * The table's functions for sockets that are open already. */
#ifndef UDP_INHERIT_H
#define UDP_INHERIT_H

#include "socket.h"
#include "option.h"

int32_t udp_adopt(void *instance, int32_t fd, struct trale_udp_socket **socket);
int32_t udp_inherit(void *instance, const char *name, struct trale_udp_socket **socket);

#endif
