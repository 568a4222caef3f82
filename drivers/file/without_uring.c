/* SPDX-License-Identifier: MIT
 *
 * A build without liburing: all jobs are done by threads. */
#include <errno.h>
#include <stdio.h>

#include "submission.h"

int submission_open(struct files *files, char *cause, size_t size)
{
    (void)files;
    snprintf(cause, size, "this driver was built without liburing");
    return -EOPNOTSUPP;
}

bool submission_does(const struct files *files, uint32_t kind)
{
    (void)files;
    (void)kind;
    return false;
}

void submission_queue(struct files *files, struct job *job, struct trale_file_op *op)
{
    (void)files;
    (void)job;
    (void)op;
}

void submission_leave(struct job *job)
{
    (void)job;
}

bool submission_close(struct file *file)
{
    (void)file;
    return false;
}

void submission_poll(struct files *files, const struct trale_waker *waker)
{
    (void)files;
    (void)waker;
}

void submission_end_wait(struct files *files)
{
    (void)files;
}

uint64_t submission_before_wait(void *instance, uint32_t idle)
{
    (void)instance;
    (void)idle;
    return UINT64_MAX;
}

int32_t submission_settle(void *instance, uint64_t deadline_ns)
{
    (void)instance;
    (void)deadline_ns;
    return 0;
}

void submission_end(struct files *files)
{
    (void)files;
}
