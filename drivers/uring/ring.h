/* SPDX-License-Identifier: MIT
 *
 * io_uring(7): jobs are queued, handed to the kernel together, and completed. Any thread that polls uses it, one at a
 * time, so it has no IORING_SETUP_SINGLE_ISSUER. */
#ifndef URING_RING_H
#define URING_RING_H

#include <liburing.h>
#include <stdbool.h>

#include <trale/driver.h>

#include "list.h"
#include "ring_job.h"

struct ring {
    struct io_uring uring;
    struct trale_link queued, entered; /* jobs; see struct ring_job */
    uint32_t n_prompt;                 /* jobs with the kernel that end within the call that hands them over */
    bool refused;                      /* the kernel takes no jobs any more: the process has entered a sandbox */
    struct ring_job alarm;             /* see ring_wait */
    struct __kernel_timespec alarm_time;
    bool alarm_is_set;
};

/* Opens *ring, with room for so many jobs that one call hands over, and so many that are complete. 0 or a negative
 * errno. */
int ring_open(struct ring *ring, uint32_t n_entries, uint32_t n_completions);

void ring_close(struct ring *ring);

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

/* Takes no more jobs, and refuses those that are queued. */
void ring_refuse(struct ring *ring);

#endif
