/* SPDX-License-Identifier: MIT */
#include "submission.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <liburing.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cause.h"
#include "ring.h"

#define N_ENTRIES 256
#define N_COMPLETIONS 4096 /* the kernel keeps those for which there is no room */
#define RETRY_NS 1000000u  /* after which the kernel is asked again when it could not take all */

struct submission {
    struct ring ring;
    struct files *files;
    uint32_t n_in_flight;   /* jobs that the kernel has */
    struct trale_wait wait; /* for completions: the driver's task's */
};

/* --- jobs --------------------------------------------------------------------------------------------------------- */

static struct job *job_of(struct ring_job *ring_job)
{
    return list_entry(ring_job, struct job, ring_job);
}

static void job_submit(struct ring_job *ring_job, struct io_uring_sqe *entry)
{
    struct job *job = job_of(ring_job);
    int fd = job->file->fd;
    switch (job->kind) {
    case TRALE_FILE_OPEN:
        io_uring_prep_openat2(entry, job->folder != NULL ? job->folder->fd : AT_FDCWD, job->buffer, &job->how);
        break;
    case TRALE_FILE_READ:
        io_uring_prep_read(entry, fd, job->buffer, job->size, job->offset);
        break;
    case TRALE_FILE_WRITE:
        io_uring_prep_write(entry, fd, job->buffer, job->size, job->offset);
        if (job_may_exceed_limit(job)) /* the kernel's own threads block SIGXFSZ */
            entry->flags |= IOSQE_ASYNC;
        break;
    case TRALE_FILE_SYNC:
        io_uring_prep_fsync(entry, fd, job->flags == TRALE_FILE_DATA ? IORING_FSYNC_DATASYNC : 0);
        break;
    default:
        io_uring_prep_statx(entry, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, (struct statx *)(void *)job->buffer);
        break;
    }
    io_uring_sqe_set_data(entry, ring_job);
    job->submission->n_in_flight++;
}

static void job_retract(struct ring_job *ring_job)
{
    job_of(ring_job)->submission->n_in_flight--;
}

/* The kernel gives a job up when the thread ends that has handed it over. A path that has changed meanwhile is tried
 * again by a thread, and so is what the kernel does not do without waiting. */
static bool is_given_up(int32_t result)
{
    return result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

static void job_is_done(struct job *job)
{
    if (job->op != NULL)
        job->op->waker->table->wake_by_ref(job->op->waker);
    else
        job_end(job);
}

/* Has a thread do it, if it was not dropped. */
static void job_give_up(struct job *job)
{
    job->is_given_up = true;
    job_is_done(job);
}

static void job_complete(struct ring_job *ring_job, int32_t result, uint32_t flags)
{
    struct job *job = job_of(ring_job);
    (void)flags;
    job->submission->n_in_flight--;
    if (job->kind == TRALE_FILE_OPEN && result >= 0) {
        job->file->fd = result;
        result = job_check_open(job);
        job->is_given_up = result < 0; /* a thread closes what is no file */
    } else {
        job->is_given_up = is_given_up(result);
    }
    if (!job->is_given_up)
        job->result = result;
    job_is_done(job);
}

static void job_refuse(struct ring_job *ring_job)
{
    job_give_up(job_of(ring_job));
}

bool submission_does(const struct files *files, uint32_t kind)
{
    return files->submission != NULL && !files->submission->ring.refused && kind <= TRALE_FILE_STATUS;
}

void submission_queue(struct files *files, struct job *job, struct trale_file_op *op)
{
    job->submission = files->submission;
    job->op = op;
    job->result = TRALE_PENDING;
    job->is_given_up = false;
    job->ring_job = (struct ring_job){
        .submit = job_submit, .retract = job_retract, .complete = job_complete, .refuse = job_refuse};
    ring_queue(&files->submission->ring, &job->ring_job);
}

void submission_leave(struct job *job)
{
    job->op = NULL;
    if (!list_has(&job->ring_job.link) && job->result == TRALE_PENDING && !job->is_given_up)
        return; /* the kernel has it */
    list_remove(&job->ring_job.link);
    job_end(job);
}

/* --- closing ------------------------------------------------------------------------------------------------------ */

static struct file *file_closing(struct ring_job *ring_job)
{
    return list_entry(ring_job, struct file, ring_job);
}

static void close_submit(struct ring_job *ring_job, struct io_uring_sqe *entry)
{
    io_uring_prep_close(entry, file_closing(ring_job)->fd);
    io_uring_sqe_set_data(entry, ring_job);
    file_closing(ring_job)->files->submission->n_in_flight++;
}

static void close_retract(struct ring_job *ring_job)
{
    file_closing(ring_job)->files->submission->n_in_flight--;
}

/* Of a close that has begun, the fd is gone, whatever the result; one that was given up has not begun. */
static void close_complete(struct ring_job *ring_job, int32_t result, uint32_t flags)
{
    struct file *file = file_closing(ring_job);
    (void)flags;
    file->files->submission->n_in_flight--;
    if (result == -ECANCELED) {
        file_give_to_closer(file);
        return;
    }
    file->fd = -1;
    file_free(file);
}

static void close_refuse(struct ring_job *ring_job)
{
    file_give_to_closer(file_closing(ring_job));
}

bool submission_close(struct file *file)
{
    struct submission *submission = file->files->submission;
    if (submission == NULL || submission->ring.refused)
        return false;
    file->ring_job = (struct ring_job){
        .submit = close_submit, .retract = close_retract, .complete = close_complete, .refuse = close_refuse};
    ring_queue(&submission->ring, &file->ring_job);
    return true;
}

/* --- completions -------------------------------------------------------------------------------------------------- */

void submission_poll(struct files *files, const struct trale_waker *waker)
{
    struct submission *submission = files->submission;
    const struct trale_host *host = &files->host;
    int r = submission != NULL ? 1 : 0;
    submission_end_wait(files);
    while (r == 1) {
        ring_reap(&submission->ring);
        submission->wait.waker = waker;
        r = host->register_waker(host->context, submission->ring.uring.ring_fd, TRALE_READABLE, &submission->wait);
    }
    if (r < 0)
        host->log(host->context, TRALE_LOG_ERROR, "cannot wait for completions");
}

void submission_end_wait(struct files *files)
{
    if (files->submission != NULL)
        files->host.cancel_wait(files->host.context, &files->submission->wait);
}

uint64_t submission_before_wait(void *instance, uint32_t idle)
{
    struct submission *submission = ((struct files *)instance)->submission;
    (void)idle;
    return submission == NULL || ring_turn(&submission->ring) == 0 ? UINT64_MAX : RETRY_NS;
}

/* --- its life ----------------------------------------------------------------------------------------------------- */

/* A sandbox may allow some of the calls. */
static int ring_try(struct ring *ring)
{
    struct io_uring_cqe *completion = NULL;
    io_uring_prep_nop(io_uring_get_sqe(&ring->uring));
    int r = io_uring_submit(&ring->uring);
    if (r >= 0)
        r = io_uring_wait_cqe(&ring->uring, &completion);
    if (r == 0)
        io_uring_cqe_seen(&ring->uring, completion);
    return r;
}

int submission_open(struct files *files, char *cause, size_t size)
{
    const char *step = "memory";
    struct submission *submission = calloc(1, sizeof *submission);
    int r = submission == NULL ? -ENOMEM : 0;
    if (r < 0)
        goto fail;
    step = "io_uring_setup(2)";
    r = ring_open(&submission->ring, N_ENTRIES, N_COMPLETIONS);
    if (r < 0)
        goto fail;
    step = "io_uring_enter(2)";
    r = ring_try(&submission->ring);
    if (r < 0)
        goto fail_open;
    submission->files = files;
    files->submission = submission;
    return 0;
fail_open:
    ring_close(&submission->ring);
fail:
    free(submission);
    cause_find(step, -r, cause, size);
    return r;
}

int32_t submission_settle(void *instance, uint64_t deadline_ns)
{
    struct files *files = instance;
    struct submission *submission = files->submission;
    int r = 0;
    if (submission == NULL)
        return 0;
    ring_turn(&submission->ring);
    while (r == 0 && submission->n_in_flight > 0 && !submission->ring.refused) {
        r = ring_wait(&submission->ring, deadline_ns);
        ring_turn(&submission->ring);
    }
    ring_refuse(&submission->ring); /* closes that the kernel could not take are stop's */
    if (r == 0 || submission->n_in_flight == 0)
        return 0;
    char text[96];
    snprintf(text, sizeof text, "the kernel still has %" PRIu32 " operations", submission->n_in_flight);
    files->host.log(files->host.context, TRALE_LOG_WARNING, text);
    return r;
}

void submission_end(struct files *files)
{
    if (files->submission == NULL)
        return;
    files->host.forget_fd(files->host.context, files->submission->ring.uring.ring_fd);
    ring_close(&files->submission->ring);
    free(files->submission);
}
