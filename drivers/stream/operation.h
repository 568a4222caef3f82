/* SPDX-License-Identifier: MIT
 *
 * What operations of every kind share: how they wait and are cancelled. An operation tries; if that would block, it
 * registers its wait, until it is polled again or dropped. Closing a socket ends the waits for it, by forget_fd, and
 * takes its generation, by which every operation of it, also one that was not polled yet, sees that it is cancelled. */
#ifndef STREAM_OPERATION_H
#define STREAM_OPERATION_H

#include "memory.h"

enum operation_state {
    OPERATION_IDLE,          /* It has no wait: it was not polled yet, or its last poll did not wait. */
    OPERATION_WAITING,       /* Its wait is registered, or has been woken. */
    OPERATION_WAITING_FIRST, /* The same, and it has not tried yet. */
    OPERATION_PAUSED,        /* It waits to try again, or has been woken for that (retry.h). */
};

/* What future.own holds. */
struct operation_own {
    uint32_t state;      /* enum operation_state */
    uint32_t generation; /* of the socket */
};

/* One such future. */
struct operation {
    struct trale_future *future;
    struct stream_socket *socket;
    struct trale_wait *wait;
    uint32_t interest;
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
static inline void operation_init(struct trale_future *future, const struct stream_socket *socket)
{
    struct operation_own own = {OPERATION_IDLE, socket->generation};
    memcpy(&future->own, &own, sizeof own);
}

/* Whether its socket was closed. Nothing else of the socket may be touched then. */
static inline bool operation_is_cancelled(const struct operation *operation)
{
    struct operation_own own;
    memcpy(&own, &operation->future->own, sizeof own);
    return own.generation != operation->socket->generation;
}

/* Ends the wait or the pause, if there is one. Returns whether a wait was over: its waker was woken. */
bool operation_end_wait(const struct operation *operation);

/* Registers the wait, as register_waker; after 0 the operation is in `state`. */
int32_t operation_wait(const struct operation *operation, enum operation_state state,
                       const struct trale_context *context);

/* Pauses the operation, as stream_retry_pause. */
int32_t operation_pause(const struct operation *operation, const struct trale_context *context);

#endif
