/* SPDX-License-Identifier: MIT
 *
 * A job is what the kernel or a thread works on. It has one owner at a time, and owns all that it points to: one whose
 * operation is dropped is given away. */
#ifndef FILE_JOB_H
#define FILE_JOB_H

#include <linux/openat2.h>

#include "files.h"

#define NAME_SIZE 256 /* of each name in the buffer of a job, with its NUL */

struct job {
    uint32_t kind;        /* TRALE_FILE_ */
    uint32_t flags, mode; /* as the system call takes them */
    struct open_how how;  /* OPEN */
    struct file *file;    /* with a user; OPEN: what is opened, NULL once it was taken */
    struct file *folder;  /* OPEN, RENAME: with a user; NULL: none */
    uint64_t offset;      /* LIST: the position; TRUNCATE: the size */
    uint32_t size;        /* of the piece in `buffer` */
    uint32_t capacity;    /* of `buffer` */

    /* Of a job that a thread does: */
    bool has_run; /* or runs */
    pthread_t thread;

    /* Of a job that io_uring(7) does: */
    struct submission *submission;
    struct ring_job ring_job;
    struct trale_file_op *op; /* NULL: it was dropped */
    int64_t result;           /* TRALE_PENDING: it is not done */
    bool is_given_up;         /* the kernel has not done it: a thread must */

    _Alignas(8) char buffer[]; /* bytes, a path, two names, a struct statx, or entries */
};

/* Makes a job of an operation. 0 or a negative errno. */
int job_new(struct files *files, const struct trale_file_op *op, struct job **made);

/* Sets the piece of a read, a write or a list that comes next, and copies what is written. */
void job_next_piece(struct job *job, const struct trale_file_op *op);

/* Does it on this thread, by system calls that may block. Its result, 0 at least, or a negative errno. */
int64_t job_run(void *job);

/* Whether it may make a file longer while there is a limit of that, RLIMIT_FSIZE: beyond it, the thread that does the
 * job is sent SIGXFSZ. */
bool job_may_exceed_limit(const struct job *job);

/* What follows an open: 0 if it is a regular file or a folder, and the fd waits as those do; or -EOPNOTSUPP. */
int job_check_open(struct job *job);

/* Takes a result into the operation, and what was read, listed or found. Returns 1 if another piece must follow, or 0,
 * and *result is the operation's. */
int job_take(struct job *job, struct trale_file_op *op, int64_t *result);

/* [executor] The end of a job. */
void job_end(struct job *job);

/* The same for one whose operation was dropped, on the thread that has run it or on the executor. */
void job_release(void *job);

#endif
