/* SPDX-License-Identifier: MIT
 *
 * Writes, of buffers and of files. */
#include <errno.h>
#include <unistd.h>

#include "stream_operation.h"
#include "stream_transfer.h"
#include "tcp.h"

/* A write of some kind: attempts take bytes until it is done. */
struct writing {
    struct stream_operation operation;
    uint64_t *n_written;
    /* Takes some bytes: 1, there are more; 0, all is taken; -EAGAIN: none is taken now; or an error. */
    int64_t (*attempt)(struct stream_socket *socket, struct trale_future *future);
};

/* As tcp_write, and logs it. */
static int64_t put(struct stream_socket *socket, const void *bytes, uint64_t size)
{
    struct program *program = socket->stream->program;
    int64_t n = tcp_write(program->world, socket->endpoint, bytes, size);
    if (n >= 0)
        log_event(&program->log, LOG_WRITTEN, log_number("socket", (int64_t)socket->endpoint->number),
                  log_number("size", n));
    stream_wake_ready(socket->stream);
    return n;
}

/* A poll that has bytes taken several times pays for each of them, so that a fast reader does not keep the task from
 * its end. */
static int64_t writing_run(const struct writing *writing, struct trale_context *context)
{
    const struct stream_operation *operation = &writing->operation;
    stream_operation_end_wait(operation);
    for (;;) {
        if (!trale_context_may_resolve(context))
            return TRALE_PENDING;
        int64_t r = writing->attempt(operation->socket, operation->future);
        if (r == 0)
            return (int64_t)*writing->n_written;
        if (r == -EAGAIN) {
            stream_operation_wait(operation, context);
            return TRALE_PENDING;
        }
        if (r < 0)
            return r;
        trale_context_pay(context, 1);
    }
}

static int64_t writing_poll(const struct writing *writing, struct trale_context *context)
{
    const struct stream_operation *operation = &writing->operation;
    struct stream_socket *socket = operation->socket;
    if (stream_operation_is_cancelled(operation))
        return -ECANCELED;
    if (socket->writer != NULL && socket->writer != operation->future)
        return -EBUSY;
    socket->writer = operation->future;
    int64_t result = writing_run(writing, context);
    if (result != TRALE_PENDING)
        socket->writer = NULL;
    return result;
}

static void writing_drop(const struct writing *writing)
{
    const struct stream_operation *operation = &writing->operation;
    stream_operation_end_wait(operation);
    if (!stream_operation_is_cancelled(operation) && operation->socket->writer == operation->future)
        operation->socket->writer = NULL;
}

/* --- buffers ------------------------------------------------------------------------------------------------------ */

/* What is left of a write begins there; false: nothing is left. */
static bool next_bytes(struct trale_stream_write *write, const char **bytes, uint64_t *size)
{
    if (write->n_pieces == 0) {
        *bytes = (const char *)write->buf + write->n_written;
        *size = write->size - write->n_written;
        return *size > 0;
    }
    while (write->piece < write->n_pieces && write->n_of_piece >= write->pieces[write->piece].iov_len)
        write->n_of_piece -= write->pieces[write->piece++].iov_len;
    if (write->piece == write->n_pieces)
        return false;
    *bytes = (const char *)write->pieces[write->piece].iov_base + write->n_of_piece;
    *size = write->pieces[write->piece].iov_len - write->n_of_piece;
    return true;
}

static int64_t write_attempt(struct stream_socket *socket, struct trale_future *future)
{
    struct trale_stream_write *write = (struct trale_stream_write *)(void *)future;
    const char *bytes;
    uint64_t size;
    if (write->ancillary != NULL)
        return -EOPNOTSUPP;
    if (!next_bytes(write, &bytes, &size))
        return 0;
    int64_t n = put(socket, bytes, size);
    if (n < 0)
        return n;
    write->n_written += (uint64_t)n;
    if (write->n_pieces > 0)
        write->n_of_piece += (uint64_t)n;
    return next_bytes(write, &bytes, &size);
}

static struct writing write_writing(struct trale_future *future)
{
    struct trale_stream_write *write = (struct trale_stream_write *)(void *)future;
    return (struct writing){
        {future, stream_connection(write->socket), &write->wait, STREAM_WRITES}, &write->n_written, write_attempt};
}

static int64_t write_poll(struct trale_future *future, struct trale_context *context)
{
    const struct writing writing = write_writing(future);
    return writing_poll(&writing, context);
}

static void write_drop(struct trale_future *future)
{
    const struct writing writing = write_writing(future);
    writing_drop(&writing);
}

void stream_write(void *instance, struct trale_stream_write *op)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_write", write_poll, write_drop};
    (void)instance;
    stream_operation_init(&op->future, &type, stream_connection(op->socket));
}

int64_t stream_try_write(void *instance, struct trale_stream_socket *base, const void *buf, uint64_t size)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.try_write");
    struct stream_socket *socket = stream_connection(base);
    if (socket->writer != NULL)
        return -EBUSY;
    return size == 0 ? 0 : put(socket, buf, size);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static int64_t sendfile_attempt(struct stream_socket *socket, struct trale_future *future)
{
    struct trale_stream_sendfile *file = (struct trale_stream_sendfile *)(void *)future;
    char bytes[2 * ENDPOINT_SEGMENT];
    uint64_t n_left = file->size - file->n_written;
    if (file->offset > INT64_MAX || file->n_written > INT64_MAX - file->offset)
        return -EINVAL;
    if (n_left == 0)
        return 0;
    ssize_t n_read = pread(file->fd, bytes, n_left < sizeof bytes ? n_left : sizeof bytes,
                           (off_t)(file->offset + file->n_written));
    if (n_read <= 0)
        return n_read == 0 ? 0 : errno == ESPIPE ? -EINVAL : -errno;
    int64_t n = put(socket, bytes, (uint64_t)n_read);
    if (n < 0)
        return n;
    file->n_written += (uint64_t)n;
    return file->n_written < file->size;
}

static struct writing sendfile_writing(struct trale_future *future)
{
    struct trale_stream_sendfile *file = (struct trale_stream_sendfile *)(void *)future;
    return (struct writing){
        {future, stream_connection(file->socket), &file->wait, STREAM_WRITES}, &file->n_written, sendfile_attempt};
}

static int64_t sendfile_poll(struct trale_future *future, struct trale_context *context)
{
    const struct writing writing = sendfile_writing(future);
    return writing_poll(&writing, context);
}

static void sendfile_drop(struct trale_future *future)
{
    const struct writing writing = sendfile_writing(future);
    writing_drop(&writing);
}

void stream_sendfile(void *instance, struct trale_stream_sendfile *op)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_sendfile", sendfile_poll,
                                                  sendfile_drop};
    (void)instance;
    stream_operation_init(&op->future, &type, stream_connection(op->socket));
}
