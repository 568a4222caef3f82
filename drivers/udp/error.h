/* SPDX-License-Identifier: MIT
 *
 * Errors that a socket is told of later. */
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

/* Switches it on where the fd came with it, and off what else fills the queue of errors: one that nobody empties would
 * be reported by epoll for ever. */
int32_t udp_error_adopt(struct udp_socket *socket);

/* Takes what the kernel has, on a socket that keeps errors. Called before anybody waits on it: as long as an error is
 * pending, epoll would report the socket again and again. Whether there was any. */
bool udp_error_take_in(struct udp_socket *socket);

/* Whether that is what a receive or a send says when somebody has complained of an earlier datagram. A send that says
 * EMSGSIZE may mean its own. */
bool udp_error_is_earlier(int64_t result, bool sends);

#endif
