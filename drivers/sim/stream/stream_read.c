/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>

#include "stream_operation.h"
#include "stream_transfer.h"
#include "tcp.h"

static bool has_room(const struct trale_stream_read *read)
{
    for (uint32_t i = 0; i < read->n_pieces; i++)
        if (read->pieces[i].iov_len > 0)
            return true;
    return read->n_pieces == 0 && read->size > 0;
}

/* Takes bytes, as far as there are any, into pieces. As tcp_read. */
static int64_t take_pieces(struct world *world, struct endpoint *endpoint, const struct trale_stream_read *read)
{
    int64_t n_taken = 0;
    uint32_t n_filled = 0;
    for (uint32_t i = 0; i < read->n_pieces && n_filled < IOV_MAX; i++) {
        const struct iovec *piece = &read->pieces[i];
        if (piece->iov_len == 0)
            continue;
        n_filled++;
        int64_t n = tcp_read(world, endpoint, piece->iov_base, piece->iov_len);
        if (n <= 0)
            return n_taken > 0 ? n_taken : n;
        n_taken += n;
        if ((uint64_t)n < piece->iov_len)
            break;
    }
    return n_taken;
}

static int64_t read_attempt(struct stream_socket *socket, const struct trale_stream_read *read)
{
    struct program *program = socket->stream->program;
    if (read->ancillary != NULL)
        return -EOPNOTSUPP;
    int64_t n = read->n_pieces > 0 ? take_pieces(program->world, socket->endpoint, read)
                                   : tcp_read(program->world, socket->endpoint, read->buf, read->size);
    if (n >= 0)
        log_event(&program->log, LOG_READ, log_number("socket", (int64_t)socket->endpoint->number),
                  log_number("size", n));
    stream_wake_ready(socket->stream);
    return n;
}

static struct stream_operation read_operation(struct trale_future *future)
{
    struct trale_stream_read *read = (struct trale_stream_read *)(void *)future;
    return (struct stream_operation){future, stream_connection(read->socket), &read->wait, STREAM_READS};
}

static int64_t read_run(const struct stream_operation *operation, struct trale_context *context)
{
    const struct trale_stream_read *read = (struct trale_stream_read *)(void *)operation->future;
    stream_operation_end_wait(operation);
    if (!has_room(read))
        return -EINVAL;
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    int64_t n = read_attempt(operation->socket, read);
    if (n != -EAGAIN)
        return n;
    stream_operation_wait(operation, context);
    return TRALE_PENDING;
}

static int64_t read_poll(struct trale_future *future, struct trale_context *context)
{
    const struct stream_operation operation = read_operation(future);
    struct stream_socket *socket = operation.socket;
    if (stream_operation_is_cancelled(&operation))
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
    const struct stream_operation operation = read_operation(future);
    stream_operation_end_wait(&operation);
    if (!stream_operation_is_cancelled(&operation) && operation.socket->reader == future)
        operation.socket->reader = NULL;
}

void stream_read(void *instance, struct trale_stream_read *op)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_read", read_poll, read_drop};
    (void)instance;
    stream_operation_init(&op->future, &type, stream_connection(op->socket));
}

int64_t stream_try_read(void *instance, struct trale_stream_socket *base, void *buf, uint64_t size)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.try_read");
    struct stream_socket *socket = stream_connection(base);
    const struct trale_stream_read read = {.buf = buf, .size = size};
    if (socket->reader != NULL)
        return -EBUSY;
    return size == 0 ? -EINVAL : read_attempt(socket, &read);
}
