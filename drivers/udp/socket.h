/* SPDX-License-Identifier: MIT
 *
 * The instance and its sockets, and the operations that wait on a socket. All other files of the driver include this
 * one. */
#ifndef UDP_SOCKET_H
#define UDP_SOCKET_H

#include <stdbool.h>

#include <trale/udp.h>

#include "list.h"

struct udp {
    struct trale_udp table;
    struct trale_host host;
    int64_t receive_buffer, send_buffer;
    struct udp_messages *messages; /* see batch.c */
    struct trale_link sockets;     /* the open ones, by their `link` */
    struct trale_link closed;      /* the closed ones, whose memory the next ones get */
};

struct udp_socket {
    struct trale_udp_socket base; /* first: what applications pass on */
    struct udp *udp;
    struct udp_errors *errors; /* that no task has awaited yet; NULL: TRALE_UDP_ERRORS is off */
    struct trale_link link;    /* in one of the instance's lists */
    uint32_t generation;       /* how many sockets this memory has been */
    int32_t end;               /* what a receive that finds nothing resolves to, for nothing will come; 0: it waits */
    int32_t earlier_error;     /* of an earlier datagram, for the next receive or send to tell; 0: none */
    uint32_t n_looks;          /* of the executor, when the last receive began to wait before it tried */
    int fd;
    int multicast_interface; /* of IPv4, which the kernel takes and does not tell */
    sa_family_t family;
    uint8_t info;       /* TRALE_UDP_INFO */
    bool gro;           /* TRALE_UDP_GRO is on */
    bool connected;     /* it has a peer */
    bool receives_wait; /* the last receive had to wait: the next one may wait before it tries */
    bool has_waited;    /* an operation has waited since the reactor knows the fd */
};

/* The `state` of a struct trale_udp_operation. In either it is cancelled if its generation is not its socket's any
 * more: then the socket was closed since the operation was made. */
enum operation_state {
    OPERATION_IDLE,          /* It has no wait: it was not polled yet, or its last poll did not wait. */
    OPERATION_WAITING,       /* Its wait is registered, or has been woken. */
    OPERATION_WAITING_FIRST, /* The same, and it has not tried yet. */
};

/* A socket of that fd, ready for use; NULL: no memory. */
struct udp_socket *udp_socket_new(struct udp *udp, int fd, sa_family_t family);

/* Ends the socket, and cancels its operations; their waits are over before. The fd is not closed. Until
 * udp_socket_free_all the memory is used for sockets alone, so that operations can still compare the generation. */
void udp_socket_free(struct udp_socket *socket);

/* Frees the memory of closed sockets, when no operation is left. */
void udp_socket_free_all(struct udp *udp);

/* Nothing will come any more: receives that find nothing resolve to `error`. */
void udp_socket_end(struct udp_socket *socket, int32_t error);

/* Wakes all operations that wait on the socket, so that they try again. */
void udp_socket_wake_all(struct udp_socket *socket);

#endif
