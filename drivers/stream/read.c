/* SPDX-License-Identifier: MIT
 *
 * Reads: recv(2), and recvmsg(2) into several buffers and with what is passed; of pipes, readv(2).
 *
 * A read that awaits an answer finds nothing when it begins, and its first attempt is a system call lost. Where waits
 * are level-triggered, a read waits first if the last one of its socket has taken all that was there, or had to wait
 * and no other task is runnable, so that the executor looks at epoll next anyway. What has arrived meanwhile is found
 * by that look: a wrong guess costs one look. */
#include "read.h"

#include <limits.h>
#include <sys/socket.h>

#include "ancillary.h"
#include "operation.h"
#include "socket.h"

/* --- attempts ----------------------------------------------------------------------------------------------------- */

/* The first piece that has room; n_pieces: none has. */
static uint32_t read_first_piece(const struct trale_stream_read *read)
{
    uint32_t first = 0;
    while (first < read->n_pieces && read->pieces[first].iov_len == 0)
        first++;
    return first;
}

static bool read_has_room(const struct trale_stream_read *read)
{
    return read->n_pieces > 0 ? read_first_piece(read) < read->n_pieces : read->size > 0;
}

static ssize_t read_message(const struct stream_socket *socket, struct trale_stream_read *read)
{
    struct iovec piece = {read->buf, read->size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (read->n_pieces > 0) {
        /* Of pieces without room the kernel would read 0 bytes, as at the end. */
        uint32_t first = read_first_piece(read), n = read->n_pieces - first;
        message.msg_iov = (struct iovec *)(uintptr_t)read->pieces + first;
        message.msg_iovlen = n < IOV_MAX ? n : IOV_MAX;
    }
    if (read->ancillary != NULL)
        return stream_ancillary_receive(socket, &message, read->ancillary);
    return stream_is_pipe(socket) ? readv(socket->fd, message.msg_iov, (int)message.msg_iovlen)
                                  : recvmsg(socket->fd, &message, 0);
}

/* What a receive of `n` bytes, or with errno, is to the caller. */
static int64_t read_result(struct stream_socket *socket, ssize_t n)
{
    if (n > 0)
        return n;
    if (n == 0)
        return socket->error;
    int error = errno;
    if (stream_socket_breaks_off(socket, error))
        return socket->error;
    return error == EAGAIN && socket->error < 0 ? socket->error : -error;
}

static int64_t read_attempt(struct stream_socket *socket, struct trale_stream_read *read)
{
    if (read->ancillary != NULL && socket->family != AF_UNIX)
        return -EOPNOTSUPP;
    const bool is_whole = read->n_pieces == 0 && read->ancillary == NULL,
               is_simple = is_whole && !stream_is_pipe(socket);
    ssize_t n;
    do
        n = is_simple ? recv(socket->fd, read->buf, read->size, 0) : read_message(socket, read);
    while (n < 0 && errno == EINTR);
    socket->is_drained = is_whole && n > 0 && (uint64_t)n < read->size;
    return read_result(socket, n);
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

static struct operation read_operation(struct trale_future *future)
{
    struct trale_stream_read *read = (struct trale_stream_read *)(void *)future;
    return (struct operation){future, stream_connection(read->socket), &read->wait, TRALE_READABLE};
}

static bool read_waits_first(const struct stream_socket *socket)
{
    const struct trale_host *host = &socket->stream->host;
    if ((host->hints & TRALE_HOST_LEVEL) == 0 || socket->error < 0)
        return false;
    return socket->is_drained || (socket->reads_wait && host->is_idle != NULL && host->is_idle(host->context) != 0);
}

/* Whether a read that has waited first, and is woken, had to. */
static bool read_had_to_wait(const struct stream_socket *socket)
{
    const struct trale_host *host = &socket->stream->host;
    return host->n_looks != NULL && (uint32_t)host->n_looks(host->context) - socket->n_looks > 1;
}

static int32_t read_wait_first(const struct operation *operation, const struct trale_context *context)
{
    const struct trale_host *host = &operation->socket->stream->host;
    if (host->n_looks != NULL)
        operation->socket->n_looks = (uint32_t)host->n_looks(host->context);
    return operation_wait(operation, OPERATION_WAITING_FIRST, context);
}

static int64_t read_run(const struct operation *operation, struct trale_context *context)
{
    struct trale_stream_read *read = (struct trale_stream_read *)(void *)operation->future;
    struct stream_socket *socket = operation->socket;
    enum operation_state state = operation_state(operation);
    operation_end_wait(operation);
    if (!read_has_room(read))
        return -EINVAL;
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    if (state == OPERATION_IDLE && read_waits_first(socket)) {
        int32_t r = read_wait_first(operation, context);
        if (r <= 0)
            return r == 0 ? TRALE_PENDING : r;
    }
    int64_t n = read_attempt(socket, read);
    if (state != OPERATION_WAITING)
        socket->reads_wait = n == -EAGAIN || (state == OPERATION_WAITING_FIRST && read_had_to_wait(socket));
    while (n == -EAGAIN) {
        int32_t r = operation_wait(operation, OPERATION_WAITING, context);
        if (r <= 0)
            return r == 0 ? TRALE_PENDING : r;
        n = read_attempt(socket, read);
    }
    return n;
}

static int64_t read_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = read_operation(future);
    struct stream_socket *socket = operation.socket;
    if (operation_is_cancelled(&operation))
        return -ECANCELED;
    if (socket->reader != NULL && socket->reader != future)
        return -EBUSY;
    socket->reader = future;
    int64_t result = read_run(&operation, context);
    if (result != TRALE_PENDING)
        socket->reader = NULL;
    return result;
}

static void read_drop(struct trale_future *future)
{
    const struct operation operation = read_operation(future);
    if (operation_is_cancelled(&operation))
        return;
    operation_end_wait(&operation);
    if (operation.socket->reader == future)
        operation.socket->reader = NULL;
}

/* --- the table's -------------------------------------------------------------------------------------------------- */

void stream_read(void *instance, struct trale_stream_read *read)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_read", read_poll, read_drop};
    (void)instance;
    read->future.type = &type;
    operation_init(&read->future, stream_connection(read->socket));
}

int64_t stream_try_read(void *instance, struct trale_stream_socket *base, void *buf, uint64_t size)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.try_read");
    struct stream_socket *socket = stream_connection(base);
    struct trale_stream_read read = {.buf = buf, .size = size};
    if (socket->reader != NULL)
        return -EBUSY;
    return size == 0 ? -EINVAL : read_attempt(socket, &read);
}
