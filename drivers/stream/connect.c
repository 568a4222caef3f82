/* SPDX-License-Identifier: MIT
 *
 * Connects. connect(2) is called again to learn what the first call has come to: it tells a connection from one that is
 * still being made, which SO_ERROR does not. */
#include "connect.h"

#include <sys/socket.h>

#include "name.h"
#include "operation.h"
#include "retry.h"
#include "socket.h"

/* The socket is the operation's alone, until it resolves. */
static struct operation connect_operation(struct trale_future *future)
{
    struct trale_stream_connect *connect = (struct trale_stream_connect *)(void *)future;
    return (struct operation){future, stream_connection(connect->socket), &connect->wait, TRALE_WRITABLE};
}

static int32_t call_connect(const struct stream_socket *socket, const struct trale_stream_connect *op)
{
    struct sockaddr_un name;
    socklen_t length = 0;
    int r;
    if (op->path != NULL) {
        int32_t error = stream_name_read(op->path, &name, &length);
        if (error < 0)
            return error;
    }
    do
        r = op->path != NULL ? connect(socket->fd, (struct sockaddr *)&name, length)
                             : connect(socket->fd, &op->to.any, trale_address_length(&op->to));
    while (r < 0 && errno == EINTR && op->path != NULL);
    return r < 0 && errno != EISCONN ? -errno : 0;
}

/* Binds to the address from which it connects. With port 0 the port is chosen when it connects, so that ports are
 * shared by connections to different peers. */
static int32_t connect_bind(const struct stream_socket *socket, const struct trale_address *from)
{
    if (trale_address_port(from) == 0)
        stream_socket_set(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return bind(socket->fd, &from->any, trale_address_length(from)) < 0 ? -errno : 0;
}

static int32_t connect_begin(struct trale_stream_connect *op)
{
    const int family = op->path != NULL ? AF_UNIX : op->to.any.sa_family;
    struct stream_socket *socket;
    if (family != AF_UNIX && trale_address_length(&op->to) == 0)
        return -EAFNOSUPPORT;
    if (op->from.any.sa_family != AF_UNSPEC && op->from.any.sa_family != family)
        return -EAFNOSUPPORT;
    int32_t r = stream_socket_make(op->driver, family, &socket);
    if (r < 0)
        return r;
    op->socket = &socket->connection;
    r = op->from.any.sa_family != AF_UNSPEC ? connect_bind(socket, &op->from) : 0;
    return r < 0 ? r : call_connect(socket, op);
}

static void connect_give_up(struct trale_stream_connect *op)
{
    if (op->socket != NULL)
        stream_socket_close(stream_connection(op->socket));
    op->socket = NULL;
}

/* Goes on after connect(2) has answered r. */
static int64_t connect_go_on(struct trale_stream_connect *op, int32_t r, struct trale_context *context)
{
    const struct operation operation = connect_operation(&op->future);
    while (r == -EINPROGRESS || r == -EALREADY || r == -EINTR) {
        r = operation_wait(&operation, OPERATION_WAITING, context);
        if (r == 0)
            return TRALE_PENDING;
        if (r == 1)
            r = call_connect(operation.socket, op);
    }
    if (r == -EAGAIN && op->path != NULL) {
        r = operation_pause(&operation, context);
        if (r == 0)
            return TRALE_PENDING;
    }
    if (r < 0) {
        connect_give_up(op);
        return r;
    }
    stream_socket_open(operation.socket, false);
    return 0;
}

static int64_t connect_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_stream_connect *op = (struct trale_stream_connect *)(void *)future;
    if (op->socket == NULL)
        return connect_go_on(op, connect_begin(op), context);
    const struct operation operation = connect_operation(future);
    operation_end_wait(&operation);
    return connect_go_on(op, call_connect(operation.socket, op), context);
}

static void connect_drop(struct trale_future *future)
{
    struct trale_stream_connect *op = (struct trale_stream_connect *)(void *)future;
    const struct operation operation = connect_operation(future);
    if (op->socket == NULL)
        return;
    operation_end_wait(&operation);
    connect_give_up(op);
}

void stream_connect(void *instance, struct trale_stream_connect *op)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_connect", connect_poll,
                                                  connect_drop};
    op->future.type = &type;
    op->driver = instance;
}
