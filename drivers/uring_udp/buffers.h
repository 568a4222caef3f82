/* SPDX-License-Identifier: MIT
 *
 * The buffers that the kernel chooses from for what it receives. */
#ifndef URING_BUFFERS_H
#define URING_BUFFERS_H

#include "info.h"
#include "ring.h"

/* A datagram as the kernel receives it: a head, which is this, the sender, and room for control messages if the socket
 * has some; and its bytes, of which there may be as many as a datagram can have. */
#define BUFFER_DATAGRAM_MAX 65536u
#define BUFFER_NAME 32 /* room for the sender; a trale_address has 28 bytes, and control data is aligned to 8 */
#define BUFFER_HEAD_MIN (sizeof(struct io_uring_recvmsg_out) + BUFFER_NAME)
#define BUFFER_HEAD_MAX (BUFFER_HEAD_MIN + sizeof(union udp_control))
#define BUFFER_SIZE (BUFFER_HEAD_MAX + BUFFER_DATAGRAM_MAX)
/* From the start of one buffer to that of the next, so that the first lines of few share a set of a cache. */
#define BUFFER_STRIDE ((BUFFER_SIZE + 255) / 256 * 256 + 64)

/* What a buffer holds. */
struct held {
    int32_t size;  /* of the head and the bytes */
    uint16_t head; /* the size of the head */
    uint16_t next; /* for lists of buffers that hold datagrams: the index of the next one */
};

struct buffers {
    struct io_uring_buf_ring *lent; /* the buffers that the kernel may choose from */
    char *memory;
    struct held *held; /* of each buffer */
    uint32_t n_buffers;
    uint32_t n_held;      /* buffers that hold datagrams */
    uint64_t n_exhausted; /* receives that ended because no buffer was left */
};

/* Opens *ring, and lends it *buffers. 0; or a negative errno, *step is what has failed, and nothing is left behind. */
int buffers_open(struct buffers *buffers, struct ring *ring, uint32_t n_entries, uint32_t n_buffers, const char **step);

void buffers_free(struct buffers *buffers);

static inline char *buffers_at(const struct buffers *buffers, uint32_t i)
{
    return buffers->memory + (size_t)i * BUFFER_STRIDE;
}

/* Lends a buffer to the kernel again. */
void buffers_lend(struct buffers *buffers, uint32_t i);

#endif
