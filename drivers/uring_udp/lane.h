/* SPDX-License-Identifier: MIT
 *
 * The lane of a socket: one receive that goes on and on (multishot, io_uring_prep_recvmsg_multishot(3)), what it has
 * received, and the receives of tasks that wait for it. A lane is there from the first receive of its socket until the
 * socket is closed and the kernel has said that it is done. */
#ifndef URING_LANE_H
#define URING_LANE_H

#include "operation.h"
#include "uring.h"

enum lane_state {
    LANE_IDLE,      /* The kernel does not know it. */
    LANE_QUEUED,    /* It begins to receive in the next turn. */
    LANE_ARMED,     /* It receives. */
    LANE_ENDING,    /* The same, and the next turn cancels it. */
    LANE_CANCELLED, /* It was cancelled; until its last completion it receives all the same. */
};

struct lane {
    struct ring_job job;
    struct uring *uring;
    struct udp_socket *socket; /* NULL: it was closed */
    struct trale_link waits;   /* of operations in state OPERATION_IN_LANE that were not woken */
    int fd;
    int32_t error;        /* what a receive has failed with, for the next one to tell; 0: nothing */
    uint32_t n_waiting;   /* operations in state OPERATION_IN_LANE */
    uint32_t n_held;      /* datagrams that it has */
    uint32_t n_bytes;     /* in them, with their heads */
    uint16_t first, last; /* the buffers with the oldest and the newest of them */
    uint16_t head;        /* the size of the head of what it receives */
    uint8_t state;        /* enum lane_state */
    bool *ended;          /* set when the kernel has said that it is done; NULL: nothing waits for that */
};

/* A socket's lane; NULL: it has none. */
static inline struct lane *lane_of(const struct uring *uring, const struct udp_socket *socket)
{
    return (size_t)socket->fd < uring->n_lanes ? uring->lanes[socket->fd] : NULL;
}

/* Has an operation wait: it is woken when there is a datagram, an error, or nothing more to come. The lane begins to
 * receive, if it does not yet. 0 or -ENOMEM. */
int lane_wait(struct uring *uring, const struct operation *operation, const struct trale_context *context);

/* Ends the operation's wait, in which it is; the lane is cancelled if none is left and `dropped`. */
void lane_end_wait(struct lane *lane, const struct operation *operation, bool dropped);

/* The buffer with the oldest datagram, which the lane has no longer; -1: there is none. */
int lane_take(struct lane *lane);

/* Whether what it receives has room for the control messages that its socket has now. */
bool lane_is_wide(const struct lane *lane);

/* Wakes an operation, if there is something for it and one waits. */
void lane_wake(struct lane *lane);

/* Gives up receiving, and waits for the kernel's answer, which comes at once if this thread has begun it; another
 * thread may take a moment. What was received stays. */
void lane_stop(struct lane *lane);

/* Ends the lane of a socket that is closed. */
void lane_close(struct lane *lane);

/* Cancels all lanes, for good. */
void lanes_cancel(struct uring *uring);

#endif
