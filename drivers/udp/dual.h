/* SPDX-License-Identifier: MIT
 *
 * Options that an IPv6 socket keeps twice: for its IPv6 datagrams, and for its IPv4 datagrams. */
#ifndef UDP_DUAL_H
#define UDP_DUAL_H

#include "socket.h"

/* An option of setsockopt(2) in each family. Equal if the option is the same in both. */
struct dual_option {
    struct {
        int level, name;
    } v4, v6;
};

/* Sets the option, on an IPv6 socket for both families. 0, or in both it is what it was: setsockopt(2)'s error. */
int32_t dual_set(const struct udp_socket *socket, const struct dual_option *option, int value);

/* Reads the option of the socket's own family. 0, or getsockopt(2)'s error. */
int32_t dual_get(const struct udp_socket *socket, const struct dual_option *option, int *value);

#endif
