/* SPDX-License-Identifier: MIT
 *
 * What receives, sends and waits for errors share: an attempt that is repeated until it does not say EAGAIN. */
#ifndef SIM_UDP_OPERATION_H
#define SIM_UDP_OPERATION_H

#include "udp.h"

struct udp_operation {
    struct trale_future *future;
    struct udp_socket *socket;
    struct trale_wait *node; /* its `wait` member */
    int64_t (*attempt)(struct trale_future *future);
    enum udp_wait wait;
};

/* Makes a future of that type an operation of the socket that is open now. */
void udp_operation_init(struct trale_future *future, const struct trale_future_type *type,
                        struct trale_udp_socket *socket);

int64_t udp_operation_poll(const struct udp_operation *operation, struct trale_context *context);
void udp_operation_drop(const struct udp_operation *operation);

/* What the poll would resolve to, without waiting: -EAGAIN where it would wait. */
int64_t udp_operation_try(const struct udp_operation *operation);

#endif
