/* SPDX-License-Identifier: MIT
 *
 * sendfile(2). */
#include "sendfile.h"

#include <limits.h>

#include "quiet.h"
#include "socket.h"
#include "write.h"

/* How much one call takes at most: where the peer is fast, the task comes to its end all the same. */
#define CALL_BYTES (UINT64_C(1) << 20)

/* --- attempts ----------------------------------------------------------------------------------------------------- */

static int64_t sendfile_attempt(struct stream_socket *socket, struct trale_future *future)
{
    struct trale_stream_sendfile *file = (struct trale_stream_sendfile *)(void *)future;
    uint64_t n_left = file->size - file->n_written, n_asked = n_left < CALL_BYTES ? n_left : CALL_BYTES;
    if (file->offset > INT64_MAX || file->n_written > INT64_MAX - file->offset)
        return -EINVAL;
    if (n_left == 0)
        return ATTEMPT_DONE;
    off_t offset = (off_t)(file->offset + file->n_written);
    ssize_t n;
    do
        n = quiet_sendfile(socket->fd, file->fd, &offset, n_asked);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return stream_write_error(socket);
    file->n_written += (uint64_t)n;
    if (n == 0 || file->n_written == file->size)
        return ATTEMPT_DONE;
    return (uint64_t)n < n_asked ? ATTEMPT_SHORT : ATTEMPT_MORE;
}

static struct writing sendfile_writing(struct trale_future *future)
{
    struct trale_stream_sendfile *file = (struct trale_stream_sendfile *)(void *)future;
    return (struct writing){
        {future, stream_connection(file->socket), &file->wait, TRALE_WRITABLE}, &file->n_written, sendfile_attempt};
}

static int64_t sendfile_poll(struct trale_future *future, struct trale_context *context)
{
    const struct writing writing = sendfile_writing(future);
    return stream_writing_poll(&writing, context);
}

static void sendfile_drop(struct trale_future *future)
{
    const struct writing writing = sendfile_writing(future);
    stream_writing_drop(&writing);
}

void stream_sendfile(void *instance, struct trale_stream_sendfile *file)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_sendfile", sendfile_poll,
                                                  sendfile_drop};
    (void)instance;
    file->future.type = &type;
    operation_init(&file->future, stream_connection(file->socket));
}
