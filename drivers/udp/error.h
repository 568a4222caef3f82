/* SPDX-License-Identifier: MIT
 *
 * Errors of datagrams that were sent earlier. */
#ifndef UDP_ERROR_H
#define UDP_ERROR_H

#include <trale/udp_info.h>

#include "socket.h"

#define UDP_ERROR_BYTES 64

struct kept_error {
    struct trale_udp_error told; /* the members that are set */
    char bytes[UDP_ERROR_BYTES];
    size_t n_bytes;
};

struct udp_errors {
    struct kept_error kept[TRALE_UDP_ERRORS_KEPT];
    size_t first, n;
    uint32_t n_lost;
};

/* The option TRALE_UDP_ERRORS: 0, -ENOMEM, or setsockopt(2)'s. */
int32_t udp_error_switch(struct udp_socket *socket, bool on);

/* For a socket that is adopted: switches the option on if the fd has it, and switches off other uses of the kernel's
 * error queue, which nothing would empty here, so that epoll would report the socket for ever. As udp_error_switch. */
int32_t udp_error_adopt(struct udp_socket *socket);

/* Which errors udp_error_take_in has found. */
#define UDP_ERROR_FOUND 1u
#define UDP_ERROR_TOO_LARGE 2u /* this host refused a datagram for its size */

/* Takes the errors that the kernel has, on a socket that keeps errors, and wakes the socket's operations if there are
 * any. Call it before an operation waits: epoll reports the socket as long as an error is pending. Returns a set of the
 * bits above. */
uint32_t udp_error_take_in(struct udp_socket *socket);

/* Whether a receive or a send fails with `error` for what was said of an earlier datagram. A send may fail so for its
 * own datagram as well. */
bool udp_error_is_earlier(int64_t error);

/* Finds out why epoll reports a socket on which there is nothing to do: empties the kernel's error queue if the socket
 * keeps no errors, and notices that the socket was shut down. */
void udp_error_look(struct udp_socket *socket);

#endif
