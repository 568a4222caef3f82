/* SPDX-License-Identifier: MIT */
#include "stream_begin.h"

#include <stdio.h>

#include "course.h"
#include "list.h"
#include "named.h"
#include "stream_operation.h"
#include "tasks.h"
#include "tcp.h"

#define LISTEN_FLAGS (TRALE_STREAM_FREE_BIND | TRALE_STREAM_REUSE_PORT | TRALE_STREAM_V6_ONLY)

/* --- listeners ---------------------------------------------------------------------------------------------------- */

/* The task that runs has bound an address of its host, unless it is one that each host has: then the host is that of
 * the task. */
static void settle_down(struct stream *stream, const struct trale_address *shown, struct host *host)
{
    const struct trale_address address = trale_address_unmap(shown);
    if (trale_address_is_loopback(&address))
        return;
    if (!trale_address_is_unspecified(&address))
        tasks_bind(stream->tasks, host);
    course_draw(stream->program->world, host);
}

static void set_buffers(const struct stream *stream, struct endpoint *endpoint)
{
    if (stream->receive_buffer > 0)
        endpoint->options.receive_buffer = stream->receive_buffer;
    if (stream->send_buffer > 0)
        endpoint->options.send_buffer = stream->send_buffer;
}

/* In a replay, -EOPNOTSUPP, and the first such call is in the log; else 0. */
static int32_t check_on(struct stream *stream, const char *function)
{
    const struct trale_host *host = &stream->program->host;
    char message[128];
    if (!stream->is_off)
        return 0;
    snprintf(message, sizeof message, "%s: streams are not recorded, so a replay has none, and refuses them", function);
    if (!stream->has_said_so)
        host->log(host->context, TRALE_LOG_ERROR, message);
    stream->has_said_so = true;
    return -EOPNOTSUPP;
}

int32_t stream_listen(void *instance, const struct trale_address *local, uint32_t flags,
                      struct trale_stream_listener **listener)
{
    struct stream *stream = instance;
    struct program *program = stream->program;
    trale_host_expect(&program->host, "trale_stream.listen");
    if (check_on(stream, "trale_stream_listen") < 0)
        return -EOPNOTSUPP;
    if ((flags & ~LISTEN_FLAGS) != 0)
        return -EINVAL;
    if (trale_address_length(local) == 0)
        return -EAFNOSUPPORT;
    struct stream_socket *socket = stream_new(stream);
    if (socket == NULL)
        return -ENOMEM;
    const struct tcp_flags how = {
        .reuse_port = (flags & TRALE_STREAM_REUSE_PORT) != 0,
        .v6_only = (flags & TRALE_STREAM_V6_ONLY) != 0,
    };
    struct endpoint *endpoint;
    int32_t r = tcp_listen(program->world, program->here, local, &how, &endpoint);
    if (r < 0) {
        stream_end(socket);
        return r;
    }
    endpoint->backlog = stream->backlog;
    set_buffers(stream, endpoint);
    stream_open(socket, endpoint);
    settle_down(stream, local, endpoint->host);
    const struct trale_address shown = endpoint_show(endpoint, &endpoint->local);
    log_event(&program->log, LOG_LISTEN, log_number("socket", (int64_t)endpoint->number),
              log_address("address", &shown));
    *listener = &socket->listener;
    return 0;
}

int32_t stream_listen_unix(void *instance, const char *path, struct trale_stream_listener **listener)
{
    struct stream *stream = instance;
    struct program *program = stream->program;
    trale_host_expect(&program->host, "trale_stream.listen_unix");
    int32_t r = check_on(stream, "trale_stream_listen_unix");
    r = r == 0 ? named_check(path) : r;
    struct stream_socket *socket = r == 0 ? stream_new(stream) : NULL;
    if (socket == NULL)
        return r < 0 ? r : -ENOMEM;
    struct endpoint *endpoint;
    r = named_listen(program->world, program->here, path, &endpoint);
    if (r < 0) {
        stream_end(socket);
        return r;
    }
    endpoint->backlog = stream->backlog;
    set_buffers(stream, endpoint);
    stream_open(socket, endpoint);
    log_event(&program->log, LOG_LISTEN, log_number("socket", (int64_t)endpoint->number), log_text("name", path));
    *listener = &socket->listener;
    return 0;
}

/* --- accepts ------------------------------------------------------------------------------------------------------ */

static struct stream_operation accept_operation(struct trale_future *future)
{
    struct trale_stream_accept *accept = (struct trale_stream_accept *)(void *)future;
    return (struct stream_operation){future, stream_listener(accept->listener), &accept->wait, STREAM_READS};
}

/* Makes room first, so that a connection which was taken is not lost for want of it. */
static int64_t accept_attempt(const struct stream_socket *listener, struct trale_stream_accept *accept)
{
    struct stream *stream = listener->stream;
    if (list_is_empty(&listener->endpoint->queue))
        return -EAGAIN;
    struct stream_socket *socket = stream_new(stream);
    if (socket == NULL)
        return -ENOMEM;
    stream_open(socket, tcp_accept(stream->program->world, listener->endpoint));
    accept->socket = &socket->connection;
    accept->peer = endpoint_show(socket->endpoint, &socket->endpoint->peer);
    return 0;
}

static int64_t accept_poll(struct trale_future *future, struct trale_context *context)
{
    const struct stream_operation operation = accept_operation(future);
    if (stream_operation_is_cancelled(&operation))
        return -ECANCELED;
    stream_operation_end_wait(&operation);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    int64_t r = accept_attempt(operation.socket, (struct trale_stream_accept *)(void *)future);
    if (r != -EAGAIN)
        return r;
    stream_operation_wait(&operation, context);
    return TRALE_PENDING;
}

static void accept_drop(struct trale_future *future)
{
    const struct stream_operation operation = accept_operation(future);
    stream_operation_end_wait(&operation);
}

void stream_accept(void *instance, struct trale_stream_accept *op)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_accept", accept_poll,
                                                  accept_drop};
    (void)instance;
    stream_operation_init(&op->future, &type, stream_listener(op->listener));
}

/* --- connects ----------------------------------------------------------------------------------------------------- */

/* The socket is the operation's alone, until it resolves. */
static struct stream_operation connect_operation(struct trale_future *future)
{
    struct trale_stream_connect *connect = (struct trale_stream_connect *)(void *)future;
    return (struct stream_operation){future, stream_connection(connect->socket), &connect->wait, STREAM_WRITES};
}

static int32_t connect_begin(struct trale_stream_connect *op)
{
    struct stream *stream = op->driver;
    struct program *program = stream->program;
    if (check_on(stream, "trale_stream_connect") < 0)
        return -EOPNOTSUPP;
    if (op->path == NULL && trale_address_length(&op->to) == 0)
        return -EAFNOSUPPORT;
    if (op->path != NULL && named_check(op->path) < 0)
        return named_check(op->path);
    struct stream_socket *socket = stream_new(stream);
    if (socket == NULL)
        return -ENOMEM;
    struct endpoint *endpoint;
    int32_t r = op->path != NULL ? named_connect(program->world, program->here, op->path, &endpoint)
                                 : tcp_connect(program->world, program->here, &op->to, &op->from, &endpoint);
    if (r < 0) {
        stream_end(socket);
        return r;
    }
    set_buffers(stream, endpoint);
    stream_open(socket, endpoint);
    if (op->from.any.sa_family != AF_UNSPEC)
        settle_down(stream, &op->from, endpoint->host);
    if (!endpoint->is_local)
        course_draw(program->world, endpoint->host);
    log_event(&program->log, LOG_CONNECT, log_number("socket", (int64_t)endpoint->number),
              log_address("local", &endpoint->local), log_address("peer", &endpoint->peer));
    op->socket = &socket->connection;
    op->future.own = socket->generation;
    return 0;
}

static int64_t connect_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_stream_connect *op = (struct trale_stream_connect *)(void *)future;
    int32_t r = op->socket == NULL ? connect_begin(op) : 0;
    if (r < 0)
        return r;
    const struct stream_operation operation = connect_operation(future);
    if (stream_operation_is_cancelled(&operation))
        return -ECANCELED;
    stream_operation_end_wait(&operation);
    stream_wake_ready(operation.socket->stream);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    r = tcp_connected(operation.socket->endpoint);
    if (r == -EAGAIN) {
        stream_operation_wait(&operation, context);
        return TRALE_PENDING;
    }
    if (r < 0) {
        stream_end(operation.socket);
        op->socket = NULL;
    }
    return r;
}

static void connect_drop(struct trale_future *future)
{
    struct trale_stream_connect *op = (struct trale_stream_connect *)(void *)future;
    if (op->socket == NULL)
        return;
    const struct stream_operation operation = connect_operation(future);
    stream_operation_end_wait(&operation);
    if (!stream_operation_is_cancelled(&operation))
        stream_end(operation.socket);
    op->socket = NULL;
}

void stream_connect(void *instance, struct trale_stream_connect *op)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_connect", connect_poll,
                                                  connect_drop};
    op->future.type = &type;
    op->driver = instance;
}
