/* SPDX-License-Identifier: MIT
 *
 * trale.udp/1 over the sockets of the world. The world has what a kernel would have; here are the futures that wait. */
#ifndef SIM_UDP_H
#define SIM_UDP_H

#include <trale/udp.h>
#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "program.h"
#include "socket.h"
#include "timer.h"

struct udp {
    struct trale_udp table;
    struct program *program;
    struct tasks *tasks;
    const struct timer *timer; /* for the time of day */
    struct trale_link open;    /* sockets, by their `link` */
    struct trale_link closed;  /* likewise: their memory is that of the next ones */
};

/* What operations of a socket wait for: bit 1 << this is that of SOCKET_READABLE and so on. */
enum udp_wait { UDP_RECEIVES, UDP_SENDS, UDP_ERRORS, UDP_WAITS };

struct udp_socket {
    struct trale_udp_socket base; /* first: what applications pass on */
    struct udp *udp;
    struct socket *socket; /* in the world; NULL: it is closed */
    struct trale_link link;
    struct trale_link waiting[UDP_WAITS]; /* operations, by the link of their `wait` */
    uint64_t generation;                  /* how many sockets this memory has been */
    uint32_t info;                        /* TRALE_UDP_INFO */
};

static inline struct udp_socket *udp_socket_of(struct trale_udp_socket *base)
{
    return (struct udp_socket *)(void *)base;
}

/* Wakes the operations that wait for what has come to sockets of this program. Call it after whatever may deliver. */
void udp_wake_ready(struct udp *udp);

/* Wakes all that wait for that. */
void udp_wake(struct udp_socket *socket, enum udp_wait wait);

#endif
