/* SPDX-License-Identifier: MIT
 *
 * Sockets, and the operations that wait on them. */
#ifndef UDP_SOCKET_H
#define UDP_SOCKET_H

#include "memory.h"

/* The state of an operation. In either it is cancelled if its generation is not its socket's any more: then the socket
 * was closed since the operation was made. */
enum operation_state {
    OPERATION_IDLE,          /* It has no wait: it was not polled yet, or its last poll did not wait. */
    OPERATION_WAITING,       /* Its wait is registered, or has been woken. */
    OPERATION_WAITING_FIRST, /* The same, and it has not tried yet. */
};

/* A socket of that fd, ready for use; NULL: no memory. */
struct udp_socket *udp_socket_new(struct udp *udp, int fd, sa_family_t family);

/* Ends the socket, and cancels its operations; their waits are over before. The fd is not closed. */
void udp_socket_free(struct udp_socket *socket);

/* Nothing will come any more: receives that find nothing resolve to `error`. */
void udp_socket_end(struct udp_socket *socket, int32_t error);

/* Wakes all operations that wait on the socket, so that they try again. */
void udp_socket_wake_all(struct udp_socket *socket);

#endif
