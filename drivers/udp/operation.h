/* SPDX-License-Identifier: MIT
 *
 * What receives and sends of every kind share: an attempt that is repeated until it does not say EAGAIN. */
#ifndef UDP_OPERATION_H
#define UDP_OPERATION_H

#include "udp.h"

/* The members that every such future has, wherever they stand in it. */
struct operation {
    struct trale_future *future;
    struct udp_socket *socket;
    struct trale_wait *wait;
    void **link; /* its `driver` member */
    int64_t (*attempt)(struct trale_future *future);
    bool sends;
};

/* Polls it. */
int64_t udp_operation_recv(const struct operation *operation, struct trale_context *context);
int64_t udp_operation_send(const struct operation *operation, struct trale_context *context);

int64_t udp_operation_error(const struct operation *operation, struct trale_context *context);

/* The attempt alone, without waiting. */
int64_t udp_operation_try(const struct operation *operation);

/* Lets all that wait on the socket try again. */
void udp_operation_wake_all(struct udp_socket *socket);

/* Takes back the wait, if there is one: when it is polled again, and when it is dropped. */
void udp_operation_end(const struct operation *operation);

/* What still waits on the socket will resolve to -ECANCELED and not touch it any more. Its waits must be over. */
void udp_operation_cancel_all(struct udp_socket *socket);

#endif
