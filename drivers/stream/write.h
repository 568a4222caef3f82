/* SPDX-License-Identifier: MIT
 *
 * Writes, of buffers and of files. */
#ifndef STREAM_WRITE_H
#define STREAM_WRITE_H

#include "operation.h"

/* What an attempt to write has come to, if not to an error; -EAGAIN: the kernel takes nothing now. */
enum attempt {
    ATTEMPT_DONE,  /* All is taken. */
    ATTEMPT_SHORT, /* The kernel has taken less than it was offered: it has no room now. */
    ATTEMPT_MORE,  /* It has taken all that it was offered, and there is more. */
};

/* A write of some kind, which is attempted until all is taken. */
struct writing {
    struct operation operation;
    uint64_t *n_written; /* which an attempt counts on */
    int64_t (*attempt)(struct stream_socket *socket, struct trale_future *future);
};

/* Polls and drops it. */
int64_t stream_writing_poll(const struct writing *writing, struct trale_context *context);
void stream_writing_drop(const struct writing *writing);

/* The error of a send that has failed, from errno. */
int64_t stream_write_error(struct stream_socket *socket);

/* The table's two. */
void stream_write(void *instance, struct trale_stream_write *write);
int64_t stream_try_write(void *instance, struct trale_stream_socket *socket, const void *buf, uint64_t size);

#endif
