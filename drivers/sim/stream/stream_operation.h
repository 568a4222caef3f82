/* SPDX-License-Identifier: MIT
 *
 * What operations of every kind share: how they wait and are cancelled. future.own is the generation of the socket. */
#ifndef SIM_STREAM_OPERATION_H
#define SIM_STREAM_OPERATION_H

#include "stream.h"

struct stream_operation {
    struct trale_future *future;
    struct stream_socket *socket;
    struct trale_wait *node; /* its `wait` member */
    enum stream_wait wait;
};

/* Makes the future an operation of the socket that is open now: once that is closed, it resolves to -ECANCELED. */
void stream_operation_init(struct trale_future *future, const struct trale_future_type *type,
                           const struct stream_socket *socket);

/* Whether its socket was closed. Nothing else of the socket may be touched then. */
bool stream_operation_is_cancelled(const struct stream_operation *operation);

/* Begins and ends its wait. */
void stream_operation_wait(const struct stream_operation *operation, const struct trale_context *context);
void stream_operation_end_wait(const struct stream_operation *operation);

#endif
