/* SPDX-License-Identifier: MIT
 *
 * Options that an IPv6 socket keeps twice: once for what it sends and receives as IPv6, once for IPv4. */
#ifndef UDP_DUAL_H
#define UDP_DUAL_H

#include "socket.h"

/* One option of setsockopt(2), in each family. Equal where the family does not matter. */
struct dual_option {
    struct {
        int level, name;
    } v4, v6;
};

/* Sets the option, on an IPv6 socket for both families: both, or neither. 0, or setsockopt(2)'s error. */
int32_t dual_set(const struct udp_socket *socket, const struct dual_option *option, int value);

/* Reads the option of the socket's own family. 0, or getsockopt(2)'s error. */
int32_t dual_get(const struct udp_socket *socket, const struct dual_option *option, int *value);

#endif
