/* SPDX-License-Identifier: MIT
 *
 * Writes: send(2), and sendmsg(2) from several buffers and with what is passed; to pipes, writev(2). */
#include "write.h"

#include <limits.h>
#include <sys/socket.h>

#include "ancillary.h"
#include "quiet.h"
#include "socket.h"

/* How many pieces are copied to go on in the middle of one. */
#define N_PIECES_COPIED 32

/* --- writes of every kind ----------------------------------------------------------------------------------------- */

int64_t stream_write_error(struct stream_socket *socket)
{
    int error = errno;
    if (stream_socket_breaks_off(socket, error) || (error == EPIPE && socket->error < 0))
        return socket->error;
    return -error;
}

/* A poll that has the kernel take bytes several times pays for each of them, so that a fast reader does not keep the
 * task from its end. Where waits are edge-triggered, only EAGAIN says that there is no room. */
static int64_t writing_run(const struct writing *writing, struct trale_context *context)
{
    const struct operation *operation = &writing->operation;
    const bool is_level = (operation->socket->stream->host.hints & TRALE_HOST_LEVEL) != 0;
    operation_end_wait(operation);
    for (;;) {
        if (!trale_context_may_resolve(context))
            return TRALE_PENDING;
        int64_t r = writing->attempt(operation->socket, operation->future);
        if (r == ATTEMPT_DONE)
            return (int64_t)*writing->n_written;
        if (r < 0 && r != -EAGAIN)
            return r;
        if (r == -EAGAIN || (r == ATTEMPT_SHORT && is_level)) {
            int32_t registered = operation_wait(operation, OPERATION_WAITING, context);
            if (registered <= 0)
                return registered == 0 ? TRALE_PENDING : registered;
        }
        trale_context_pay(context, 1);
    }
}

int64_t stream_writing_poll(const struct writing *writing, struct trale_context *context)
{
    const struct operation *operation = &writing->operation;
    struct stream_socket *socket = operation->socket;
    if (operation_is_cancelled(operation))
        return -ECANCELED;
    if (socket->writer != NULL && socket->writer != operation->future)
        return -EBUSY;
    socket->writer = operation->future;
    int64_t result = writing_run(writing, context);
    if (result != TRALE_PENDING)
        socket->writer = NULL;
    return result;
}

void stream_writing_drop(const struct writing *writing)
{
    const struct operation *operation = &writing->operation;
    if (operation_is_cancelled(operation))
        return;
    operation_end_wait(operation);
    if (operation->socket->writer == operation->future)
        operation->socket->writer = NULL;
}

/* --- buffers ------------------------------------------------------------------------------------------------------ */

/* Moves on by n bytes through the pieces, and past those that are empty. */
static void pieces_skip(struct trale_stream_write *write, uint64_t n)
{
    write->n_of_piece += n;
    while (write->piece < write->n_pieces && write->n_of_piece >= write->pieces[write->piece].iov_len)
        write->n_of_piece -= write->pieces[write->piece++].iov_len;
}

/* Points the message at what is left. */
static void pieces_set(const struct trale_stream_write *write, struct msghdr *message,
                       struct iovec copies[N_PIECES_COPIED])
{
    uint32_t n_left = write->n_pieces - write->piece;
    const struct iovec *left = write->pieces + write->piece;
    if (write->n_of_piece == 0) {
        message->msg_iov = (struct iovec *)(uintptr_t)left;
        message->msg_iovlen = n_left < IOV_MAX ? n_left : IOV_MAX;
        return;
    }
    message->msg_iov = copies;
    message->msg_iovlen = n_left < N_PIECES_COPIED ? n_left : N_PIECES_COPIED;
    memcpy(copies, left, message->msg_iovlen * sizeof *copies);
    copies[0].iov_base = (char *)copies[0].iov_base + write->n_of_piece;
    copies[0].iov_len -= write->n_of_piece;
}

static int64_t write_message(const struct stream_socket *socket, struct trale_stream_write *write, int flags)
{
    struct iovec copies[N_PIECES_COPIED];
    union stream_control control;
    struct msghdr message = {.msg_iov = copies, .msg_iovlen = 1};
    if (write->n_pieces > 0)
        pieces_set(write, &message, copies);
    else
        copies[0] = (struct iovec){(char *)(uintptr_t)write->buf + write->n_written, write->size - write->n_written};
    if (stream_is_pipe(socket))
        return quiet_writev(socket->fd, message.msg_iov, (int)message.msg_iovlen);
    if (write->ancillary != NULL && write->n_written == 0) {
        int32_t r = stream_ancillary_add(write->ancillary, &message, &control);
        if (r < 0) {
            errno = -r;
            return -1;
        }
    }
    return sendmsg(socket->fd, &message, flags);
}

static bool write_is_done(const struct trale_stream_write *write)
{
    return write->n_pieces > 0 ? write->piece == write->n_pieces : write->n_written == write->size;
}

static int64_t write_attempt(struct stream_socket *socket, struct trale_future *future)
{
    struct trale_stream_write *write = (struct trale_stream_write *)(void *)future;
    const bool is_simple = write->n_pieces == 0 && write->ancillary == NULL && !stream_is_pipe(socket);
    const int flags = MSG_NOSIGNAL | ((write->flags & TRALE_STREAM_MORE) != 0 ? MSG_MORE : 0);
    if (write->ancillary != NULL && socket->family != AF_UNIX)
        return -EOPNOTSUPP;
    if (write->n_pieces > 0)
        pieces_skip(write, 0);
    if (write_is_done(write))
        return write->ancillary == NULL || write->n_written > 0 ? ATTEMPT_DONE : -EINVAL;
    ssize_t n;
    do
        n = is_simple
                ? send(socket->fd, (const char *)write->buf + write->n_written, write->size - write->n_written, flags)
                : write_message(socket, write, flags);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return stream_write_error(socket);
    write->n_written += (uint64_t)n;
    if (write->n_pieces > 0)
        pieces_skip(write, (uint64_t)n);
    if (write_is_done(write))
        return ATTEMPT_DONE;
    return write->n_pieces > 0 && write->n_of_piece == 0 ? ATTEMPT_MORE : ATTEMPT_SHORT;
}

static struct writing write_writing(struct trale_future *future)
{
    struct trale_stream_write *write = (struct trale_stream_write *)(void *)future;
    return (struct writing){
        {future, stream_connection(write->socket), &write->wait, TRALE_WRITABLE}, &write->n_written, write_attempt};
}

static int64_t write_poll(struct trale_future *future, struct trale_context *context)
{
    const struct writing writing = write_writing(future);
    return stream_writing_poll(&writing, context);
}

static void write_drop(struct trale_future *future)
{
    const struct writing writing = write_writing(future);
    stream_writing_drop(&writing);
}

/* --- the table's -------------------------------------------------------------------------------------------------- */

void stream_write(void *instance, struct trale_stream_write *write)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_write", write_poll, write_drop};
    (void)instance;
    write->future.type = &type;
    operation_init(&write->future, stream_connection(write->socket));
}

int64_t stream_try_write(void *instance, struct trale_stream_socket *base, const void *buf, uint64_t size)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.try_write");
    struct stream_socket *socket = stream_connection(base);
    struct trale_stream_write write = {.buf = buf, .size = size};
    if (socket->writer != NULL)
        return -EBUSY;
    int64_t r = write_attempt(socket, &write.future);
    return r >= 0 ? (int64_t)write.n_written : r;
}
