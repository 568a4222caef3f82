/* SPDX-License-Identifier: MIT
 *
 * What receives and sends of every kind share: an attempt that is repeated until it does not say EAGAIN. */
#ifndef UDP_OPERATION_H
#define UDP_OPERATION_H

#include "socket.h"

/* One such future, and what it tries. */
struct operation {
    struct trale_future *future;
    struct udp_socket *socket;
    struct trale_udp_operation *base; /* its `operation` member */
    int64_t (*attempt)(struct trale_future *future);
    uint32_t interest; /* TRALE_READABLE: a receive, TRALE_WRITABLE: a send, TRALE_FAILING: a wait for an error */
};

/* Makes it one of the socket that is open now: once that is closed, it resolves to -ECANCELED. */
static inline void udp_operation_init(struct trale_udp_operation *operation, const struct trale_udp_socket *socket)
{
    operation->generation = ((const struct udp_socket *)socket)->generation;
}

/* Polls it. */
int64_t udp_operation_poll(const struct operation *operation, struct trale_context *context);

/* Drops it: ends its wait, if there is one. */
void udp_operation_drop(const struct operation *operation);

/* What the poll would resolve to, without waiting: -EAGAIN where it would wait. */
int64_t udp_operation_try(const struct operation *operation);

#endif
