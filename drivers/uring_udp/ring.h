/* SPDX-License-Identifier: MIT
 *
 * io_uring(7): jobs are queued, handed to the kernel together, and completed; and the buffers that the kernel chooses
 * from for what it receives. Any thread that polls uses it, one at a time, so it has no IORING_SETUP_SINGLE_ISSUER. */
#ifndef URING_RING_H
#define URING_RING_H

#include <liburing.h>
#include <stdbool.h>

#include <trale/driver.h>

#include "info.h"
#include "list.h"

/* What is handed to the kernel: embedded in what it is for. */
struct ring_job {
    struct trale_link link; /* in `queued`, or, while it is handed over, in `entered` */
    /* Fills the zeroed entry. The completion of an entry without user_data is ignored. */
    void (*submit)(struct ring_job *job, struct io_uring_sqe *entry);
    /* Undoes that: the kernel has not taken the entry, and the job is queued again. */
    void (*retract)(struct ring_job *job);
    /* A completion: io_uring's result and flags. It may queue jobs, and wakes tasks. */
    void (*complete)(struct ring_job *job, int32_t result, uint32_t flags);
    /* The job is not queued any more, for the kernel takes none from now on. */
    void (*refuse)(struct ring_job *job);
};

/* A datagram as the kernel receives it: this, the sender, control messages, and its bytes, of which there may be as
 * many as a datagram can have. */
#define RING_DATAGRAM_MAX 65536u
#define RING_NAME 32 /* room for the sender; a trale_address has 28 bytes, and control data is aligned to 8 */
#define RING_HEAD (sizeof(struct io_uring_recvmsg_out) + RING_NAME + sizeof(union udp_control))
#define RING_BUFFER (RING_HEAD + RING_DATAGRAM_MAX)
/* From the start of one buffer to that of the next, so that the first lines of few share a set of a cache. */
#define RING_STRIDE ((RING_BUFFER + 255) / 256 * 256 + 64)

struct ring {
    struct io_uring uring;
    struct trale_link queued, entered; /* jobs; see struct ring_job */
    uint32_t n_prompt;                 /* jobs with the kernel that end within the call that hands them over */
    bool refused;                      /* the kernel takes no jobs any more: the process has entered a sandbox */
    struct ring_job alarm;             /* see ring_wait */
    struct __kernel_timespec alarm_time;
    bool alarm_is_set;

    struct io_uring_buf_ring *lent; /* the buffers that the kernel may choose from */
    char *buffers;
    uint16_t *next; /* for lists of buffers that hold datagrams: the index of the next one */
    int32_t *sizes; /* of what these buffers hold */
    uint32_t n_buffers;
    uint32_t n_held;      /* buffers that hold datagrams */
    uint64_t n_exhausted; /* receives that ended because no buffer was left */
};

/* Opens *ring. 0; or a negative errno, *step is what has failed, and nothing is left behind. */
int ring_open(struct ring *ring, uint32_t n_entries, uint32_t n_buffers, const char **step);

/* Closes it. If jobs are in flight, which is so only when the kernel has refused to cancel them, the buffers stay, for
 * the kernel may write to them once more. */
void ring_close(struct ring *ring, bool in_flight);

static inline void ring_queue(struct ring *ring, struct ring_job *job)
{
    list_append(&ring->queued, &job->link);
}

/* Hands over what is queued, and completes what is done, until neither is left. 0; or -EAGAIN: some is left for
 * later. */
int ring_turn(struct ring *ring);

/* Waits until something is done, and completes it. 0; or -ETIMEDOUT: this time on CLOCK_MONOTONIC is past. UINT64_MAX
 * is no limit. Every call until then has the same limit. */
int ring_wait(struct ring *ring, uint64_t deadline_ns);

/* Completes what is done. */
void ring_reap(struct ring *ring);

static inline char *ring_buffer(const struct ring *ring, uint32_t i)
{
    return ring->buffers + (size_t)i * RING_STRIDE;
}

/* Lends a buffer to the kernel again. */
void ring_lend(struct ring *ring, uint32_t i);

#endif
