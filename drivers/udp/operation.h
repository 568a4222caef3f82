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
    struct trale_wait *wait;
    int64_t (*attempt)(struct trale_future *future);
    uint32_t interest; /* TRALE_READABLE: a receive, TRALE_WRITABLE: a send, TRALE_FAILING: a wait for an error */
};

/* What future.own holds. */
struct operation_own {
    uint32_t state;      /* enum operation_state */
    uint32_t generation; /* of the socket */
};

static inline enum operation_state operation_state(const struct operation *operation)
{
    struct operation_own own;
    memcpy(&own, &operation->future->own, sizeof own);
    return (enum operation_state)own.state;
}

static inline void operation_set_state(const struct operation *operation, enum operation_state state)
{
    uint32_t number = state;
    memcpy(&operation->future->own, &number, sizeof number); /* `state` is first */
}

/* Makes the future an operation of the socket that is open now: once that is closed, it resolves to -ECANCELED. */
static inline void udp_operation_init(struct trale_future *future, const struct trale_udp_socket *socket)
{
    struct operation_own own = {OPERATION_IDLE, ((const struct udp_socket *)socket)->generation};
    memcpy(&future->own, &own, sizeof own);
}

/* Whether its socket was closed. Nothing else of the socket may be touched then. */
static inline bool operation_is_cancelled(const struct operation *operation)
{
    struct operation_own own;
    memcpy(&own, &operation->future->own, sizeof own);
    return own.generation != operation->socket->generation;
}

/* Polls it. */
int64_t udp_operation_poll(const struct operation *operation, struct trale_context *context);

/* The same for an idle operation of which an attempt was made elsewhere, and has failed with `n`. */
int64_t udp_operation_answer(const struct operation *operation, int64_t n, struct trale_context *context);

/* Drops it: ends its wait, if there is one. */
void udp_operation_drop(const struct operation *operation);

/* What the poll would resolve to, without waiting: -EAGAIN where it would wait. */
int64_t udp_operation_try(const struct operation *operation);

#endif
