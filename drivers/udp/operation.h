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
    bool sends;
};

/* Makes it one of the socket that is open now: once that is closed, it resolves to -ECANCELED. */
static inline void udp_operation_init(struct trale_udp_operation *operation, const struct trale_udp_socket *socket)
{
    operation->generation = ((const struct udp_socket *)socket)->generation;
}

/* Polls it. */
int64_t udp_operation_recv(const struct operation *operation, struct trale_context *context);
int64_t udp_operation_send(const struct operation *operation, struct trale_context *context);
int64_t udp_operation_error(const struct operation *operation, struct trale_context *context);

/* The attempt alone, without waiting. */
int64_t udp_operation_try(const struct operation *operation);

/* Ends its wait, if there is one: when it is polled again, and when it is dropped. */
void udp_operation_end(const struct operation *operation);

#endif
