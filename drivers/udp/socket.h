/* SPDX-License-Identifier: MIT
 *
 * The instance and its sockets, and the operations that wait on a socket. All other files of the driver stand on this
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
    struct trale_link sockets; /* the open ones, by their `link` */
};

struct udp_socket {
    struct trale_udp_socket base; /* first: what applications pass on */
    struct udp *udp;
    struct udp_errors *errors; /* those that nobody has awaited; NULL: TRALE_UDP_ERRORS is off */
    int fd;
    sa_family_t family;
    uint8_t info;              /* TRALE_UDP_INFO */
    bool gro;                  /* TRALE_UDP_GRO is on */
    bool connected;            /* an IPv6 socket was given a peer, which stays: see connect.c */
    uint8_t n_missed;          /* receives in a row that tried first and found nothing */
    uint8_t n_to_wait;         /* receives that wait first before one tries first again */
    int multicast_interface;   /* of IPv4, which the kernel takes and does not tell */
    struct trale_link waiting; /* the operations in OPERATION_WAITING, by their `link` */
    struct trale_link link;    /* in the instance's list */
};

/* The `state` of a struct trale_udp_operation. */
enum operation_state {
    OPERATION_NEW,       /* Not polled yet, or not since it was woken: it is in no list and has no wait. */
    OPERATION_WAITING,   /* It is in its socket's list; its wait is registered, or has been woken. */
    OPERATION_CANCELLED, /* Its socket was closed while it waited: it resolves to -ECANCELED. */
};

/* A socket of that fd, ready for use; NULL: no memory. */
struct udp_socket *udp_socket_new(struct udp *udp, int fd, sa_family_t family);

/* Frees its memory; the fd is not closed. */
void udp_socket_free(struct udp_socket *socket);

/* Wakes all operations that wait on the socket, so that they try again. */
void udp_socket_wake_all(const struct udp_socket *socket);

/* Cancels all operations that wait on the socket: they do not touch it any more. Their waits must be over. */
void udp_socket_cancel_all(struct udp_socket *socket);

#endif
