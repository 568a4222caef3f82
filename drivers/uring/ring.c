/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <errno.h>
#include <string.h>

int ring_open(struct ring *ring, uint32_t n_entries, uint32_t n_completions)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        .cq_entries = n_completions,
    };
    *ring = (struct ring){.refused = false};
    list_init(&ring->queued);
    list_init(&ring->entered);
    return io_uring_queue_init_params(n_entries, &ring->uring, &parameters);
}

void ring_close(struct ring *ring)
{
    io_uring_queue_exit(&ring->uring);
}

/* --- handing over, and completing --------------------------------------------------------------------------------- */

static struct ring_job *job_of(struct trale_link *link)
{
    return list_entry(link, struct ring_job, link);
}

/* Moves jobs into the submission queue, as many as it has room for. */
static void ring_fill(struct ring *ring)
{
    struct io_uring_sqe *entry;
    while (!list_is_empty(&ring->queued) && (entry = io_uring_get_sqe(&ring->uring)) != NULL) {
        struct ring_job *job = job_of(ring->queued.next);
        list_remove(&job->link);
        list_append(&ring->entered, &job->link);
        memset(entry, 0, sizeof *entry);
        job->submit(job, entry);
    }
}

/* Takes back what the kernel has not taken, in its order. */
static void ring_retract(struct ring *ring)
{
    struct io_uring_sq *entries = &ring->uring.sq;
    entries->sqe_head = entries->sqe_tail = *entries->khead;
    IO_URING_WRITE_ONCE(*entries->ktail, *entries->khead); /* the kernel reads it in io_uring_enter(2) alone */
    while (!list_is_empty(&ring->entered)) {
        struct ring_job *job = job_of(ring->entered.previous);
        list_remove(&job->link);
        list_append(ring->queued.next, &job->link); /* before the first one */
        job->retract(job);
    }
}

void ring_refuse(struct ring *ring)
{
    ring->refused = true;
    while (!list_is_empty(&ring->queued)) {
        struct ring_job *job = job_of(ring->queued.next);
        list_remove(&job->link);
        job->refuse(job);
    }
}

/* 0; -EAGAIN: the kernel is short of memory, or completions must be taken first. */
static int ring_enter(struct ring *ring)
{
    int r;
    do
        r = io_uring_submit(&ring->uring);
    while (r == -EINTR);
    for (int i = 0; i < r; i++)
        list_remove(ring->entered.next);
    if (list_is_empty(&ring->entered))
        return 0;
    ring_retract(ring);
    if (r > 0 || r == -EAGAIN || r == -EBUSY || r == -ENOMEM)
        return r > 0 ? 0 : -EAGAIN;
    ring_refuse(ring);
    return 0;
}

/* Returns how many there were. */
static unsigned ring_take(struct ring *ring)
{
    struct io_uring_cqe *completion;
    unsigned head, n = 0;
    io_uring_for_each_cqe(&ring->uring, head, completion)
    {
        struct ring_job *job = io_uring_cqe_get_data(completion);
        if (job != NULL)
            job->complete(job, completion->res, completion->flags);
        n++;
    }
    io_uring_cq_advance(&ring->uring, n);
    return n;
}

/* The kernel may have more, for which the queue had no room, or which waits for a system call of this thread; or of
 * another one, and then none comes. */
void ring_reap(struct ring *ring)
{
    const unsigned more = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
    ring_take(ring);
    while ((IO_URING_READ_ONCE(*ring->uring.sq.kflags) & more) != 0 && !ring->refused) {
        if (io_uring_get_events(&ring->uring) < 0 || ring_take(ring) == 0)
            return;
    }
}

int ring_turn(struct ring *ring)
{
    int r = 0;
    do {
        ring_fill(ring);
        if (!list_is_empty(&ring->entered))
            r = ring_enter(ring);
        ring_reap(ring);
    } while (r == 0 && !list_is_empty(&ring->queued));
    /* They are done by now; a kernel that took longer would be waited for, because their buffers are lent. */
    struct io_uring_cqe *completion;
    while (ring->n_prompt > 0 && io_uring_wait_cqe(&ring->uring, &completion) != -EPERM)
        ring_reap(ring);
    return r;
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static struct ring *ring_of_alarm(struct ring_job *alarm)
{
    return list_entry(alarm, struct ring, alarm);
}

static void alarm_submit(struct ring_job *job, struct io_uring_sqe *entry)
{
    io_uring_prep_timeout(entry, &ring_of_alarm(job)->alarm_time, 0, IORING_TIMEOUT_ABS);
    io_uring_sqe_set_data(entry, job);
}

static void alarm_retract(struct ring_job *job)
{
    (void)job;
}

static void alarm_complete(struct ring_job *job, int32_t result, uint32_t flags)
{
    (void)result;
    (void)flags;
    ring_of_alarm(job)->alarm_is_set = false;
}

static void alarm_refuse(struct ring_job *job)
{
    ring_of_alarm(job)->alarm_is_set = false;
}

int ring_wait(struct ring *ring, uint64_t deadline_ns)
{
    struct io_uring_cqe *completion;
    if (deadline_ns != UINT64_MAX && !ring->alarm_is_set) {
        ring->alarm_is_set = true;
        ring->alarm_time = (struct __kernel_timespec){.tv_sec = (int64_t)(deadline_ns / 1000000000u),
                                                      .tv_nsec = (long long)(deadline_ns % 1000000000u)};
        ring->alarm = (struct ring_job){
            .submit = alarm_submit, .retract = alarm_retract, .complete = alarm_complete, .refuse = alarm_refuse};
        ring_queue(ring, &ring->alarm);
        ring_turn(ring);
    } else if (io_uring_wait_cqe(&ring->uring, &completion) == -EPERM) {
        ring->refused = true;
    }
    ring_reap(ring);
    return deadline_ns != UINT64_MAX && !ring->alarm_is_set ? -ETIMEDOUT : 0;
}
