/* SPDX-License-Identifier: MIT
 *
 * The instance. It begins with that of drivers/udp, whose functions take it for one of theirs. */
#ifndef URING_H
#define URING_H

#include "buffers.h"
#include "operation.h"

struct lane;

struct uring {
    struct udp udp; /* first */
    struct ring ring;
    struct buffers buffers;
    bool has_ring;       /* false: io_uring is not to be had, and trale.ini says fallback = udp */
    bool said_exhausted; /* the message that there are too few buffers was written */
    struct lane **lanes; /* by fd */
    size_t n_lanes;
    uint32_t n_in_flight; /* lanes that the kernel has */
    struct trale_link free_slots;
    struct slot *slots; /* see send.c */
    uint32_t n_slots, n_used_slots;
    bool sends_to; /* the kernel takes a send with an address, and a message only for info */
    struct trale_future watcher;
    struct trale_wait wait; /* the watcher's, for completions */
};

/* The states of operations that are complete by the ring; the others are in socket.h. */
enum uring_operation_state {
    OPERATION_IN_LANE = 16, /* A receive that waits in the lane of its socket, or has been woken. */
    OPERATION_IN_SLOT,      /* A send that the kernel has not taken yet. */
    OPERATION_SENT,         /* A send that is complete; wait.fd is its result. */
};

static inline uint32_t uring_operation_state(const struct operation *operation)
{
    return (uint32_t)operation_state(operation);
}

static inline struct uring *uring_of(const struct udp_socket *socket)
{
    return (struct uring *)(void *)udp_of(socket);
}

/* Whether completions serve a socket. Joined datagrams are received in batches, of which each is one system call
 * already; the kernel's queue of errors has to be asked for; and what is received ahead for a socket that another
 * process has as well is lost for that. */
static inline bool uring_serves(const struct udp_socket *socket)
{
    const struct uring *uring = uring_of(socket);
    return uring->has_ring && !uring->ring.refused && !socket->gro && !socket->keeps_errors && !socket->adopted;
}

#endif
