/* SPDX-License-Identifier: MIT
 *
 * Calls that have no flag against SIGPIPE: the signal, which they may send to this thread alone, is taken back. */
#ifndef STREAM_QUIET_H
#define STREAM_QUIET_H

#include <sys/types.h>
#include <sys/uio.h>

/* sendfile(2). */
ssize_t quiet_sendfile(int to, int fd, off_t *offset, size_t size);

/* writev(2). */
ssize_t quiet_writev(int fd, const struct iovec *pieces, int n_pieces);

#endif
