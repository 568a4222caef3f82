/* SPDX-License-Identifier: MIT
 *
 * What is handed to an io_uring(7): embedded in what it is for. */
#ifndef URING_RING_JOB_H
#define URING_RING_JOB_H

#include <trale/future.h>

struct io_uring_sqe;

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

#endif
