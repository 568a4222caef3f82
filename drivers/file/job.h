/* SPDX-License-Identifier: MIT
 *
 * A job is what a thread works on. It owns all that it points to, so an operation that is dropped gives it
 * away, and it has one owner at a time. */
#ifndef FILE_JOB_H
#define FILE_JOB_H

#include "files.h"

struct job {
    uint32_t kind;             /* TRALE_FILE_ */
    uint32_t flags, mode;      /* as the system call takes them */
    uint64_t resolve;          /* OPEN: RESOLVE_ of openat2(2) */
    struct file *file;         /* with a user; OPEN: NULL */
    struct file *folder;       /* OPEN, RENAME: with a user; NULL: none */
    uint64_t offset;           /* LIST: the position; TRUNCATE: the size */
    uint32_t size;             /* of the piece in `buffer` */
    uint32_t capacity;         /* of `buffer` */
    int fd;                    /* OPEN: what was opened; -1: nothing, or it was taken */
    _Alignas(8) char buffer[]; /* bytes, a path, two names, a struct statx, or entries */
};

/* Makes a job of an operation. 0 or a negative errno. */
int job_new(struct files *files, const struct trale_file_op *op, struct job **made);

/* Sets the piece of a read, a write or a list that comes next, and copies what is written. */
void job_next_piece(struct job *job, const struct trale_file_op *op);

/* Does it, by system calls that may block. Its result, 0 at least, or a negative errno. */
int64_t job_run(void *job);

/* What follows an open: 0 if it is a regular file or a folder, and the fd waits as those do; or -EOPNOTSUPP, and the fd
 * is closed. */
int job_check_open(struct job *job);

/* Takes a result into the operation, and what was read, listed or found. Returns 1 if another piece must follow, or 0,
 * and *result is the operation's. */
int job_take(struct job *job, struct trale_file_op *op, int64_t *result);

/* The end of a job, on the executor or on a thread. */
void job_end(struct job *job);
void job_release(void *job);

#endif
