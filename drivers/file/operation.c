/* SPDX-License-Identifier: MIT
 *
 * Operations: futures that await a job. */
#include <errno.h>
#include <stdlib.h>

#include "submission.h"

enum operation_state {
    OPERATION_NEW,      /* It was not polled, or has ended. */
    OPERATION_BEGUN,    /* It has a job, and is in the list of its file, if it has one. */
    OPERATION_CANCELED, /* Its file was closed, and it has no job any more. */
};

static struct files *files_of(const struct trale_file_op *op)
{
    return (struct files *)(uintptr_t)op->future.own;
}

static uint64_t generation_of(const struct trale_file *base)
{
    return ((const struct handle *)(const void *)base)->generation;
}

/* Takes it out of the driver. */
static void operation_leave(struct trale_file_op *op)
{
    if (op->state == OPERATION_BEGUN && op->kind == TRALE_FILE_LIST)
        file_of(op->file)->is_listing = false;
    list_remove(&op->link);
    op->state = OPERATION_NEW;
}

static void submit_to_pool(struct trale_file_op *op, struct job *job)
{
    static const char *const names[] = {
        "",          "file open",     "file read",   "file write",  "file sync",       "file status",
        "file list", "file truncate", "file rename", "file unlink", "file make folder"};
    const struct trale_pool *pool = files_of(op)->pool;
    memset(&op->work, 0, sizeof op->work);
    op->work.function = job_run;
    op->work.data = job;
    op->work.release = job_release;
    op->work.name = names[op->kind];
    pool->run(pool->interface.instance, &op->work);
    op->future.awaiting = &op->work.future;
}

static void operation_submit(struct trale_file_op *op, struct job *job)
{
    if (!submission_does(files_of(op), op->kind)) {
        submit_to_pool(op, job);
        return;
    }
    op->job = job;
    submission_queue(files_of(op), job, op);
}

/* Until the first poll, unused members have the generations of the files. */
static void operation_mark(struct trale_file_op *op)
{
    op->work.future.own = op->file != NULL ? generation_of(op->file) : 0;
    op->done = op->folder != NULL ? generation_of(op->folder) : 0;
}

static bool operation_is_late(struct trale_file_op *op)
{
    bool is_late = (op->file != NULL && op->work.future.own != generation_of(op->file)) ||
                   (op->folder != NULL && op->done != generation_of(op->folder));
    op->done = 0;
    return is_late;
}

static int operation_start(struct trale_file_op *op)
{
    struct job *job;
    if (operation_is_late(op))
        return -ECANCELED;
    int r = job_new(files_of(op), op, &job);
    if (r < 0)
        return r;
    if (op->kind != TRALE_FILE_OPEN)
        list_append(&job->file->waiting, &op->link);
    if (op->kind == TRALE_FILE_LIST)
        job->file->is_listing = true;
    op->state = OPERATION_BEGUN;
    operation_submit(op, job);
    return 0;
}

/* The result of a job, which is the operation's again then; or TRALE_PENDING. */
static int64_t operation_wait(struct trale_file_op *op, struct trale_context *context, struct job **job)
{
    *job = op->job;
    if (*job != NULL && (*job)->is_given_up) {
        op->job = NULL;
        submit_to_pool(op, *job);
    }
    int64_t result = op->job != NULL ? (*job)->result : trale_future_poll(op->future.awaiting, context);
    if (result == TRALE_PENDING)
        return TRALE_PENDING;
    if (op->job == NULL)
        *job = op->work.data;
    op->job = NULL;
    op->future.awaiting = NULL;
    return result;
}

static int64_t operation_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_file_op *op = (struct trale_file_op *)(void *)future;
    op->waker = context->waker;
    if (op->state == OPERATION_CANCELED)
        return -ECANCELED;
    if (op->state == OPERATION_NEW) {
        int r = operation_start(op);
        if (r < 0)
            return r;
    }
    for (;;) {
        struct job *job;
        int64_t result = operation_wait(op, context, &job);
        if (result == TRALE_PENDING)
            return TRALE_PENDING;
        if (job_take(job, op, &result) == 0) {
            operation_leave(op);
            job_end(job);
            return result;
        }
        job_next_piece(job, op);
        operation_submit(op, job);
    }
}

static void operation_drop(struct trale_future *future)
{
    struct trale_file_op *op = (struct trale_file_op *)(void *)future;
    operation_leave(op);
    if (op->job != NULL)
        submission_leave(op->job);
    op->job = NULL;
}

void operation_cancel(struct trale_file_op *op)
{
    if (op->future.awaiting != NULL)
        trale_future_drop(op->future.awaiting);
    op->future.awaiting = NULL;
    operation_drop(&op->future);
    op->state = OPERATION_CANCELED;
    op->waker->table->wake_by_ref(op->waker);
}

void operation_begin(void *instance, struct trale_file_op *op)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_file_op", operation_poll,
                                                  operation_drop};
    op->future.type = &type;
    op->future.own = (uint64_t)(uintptr_t)instance;
    operation_mark(op);
}
