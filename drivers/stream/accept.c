/* SPDX-License-Identifier: MIT */
#include "accept.h"

#include <sys/socket.h>

#include "operation.h"
#include "socket.h"

/* --- listeners ---------------------------------------------------------------------------------------------------- */

#define LISTEN_FLAGS (TRALE_STREAM_FREE_BIND | TRALE_STREAM_REUSE_PORT | TRALE_STREAM_V6_ONLY)

/* What must be set before bind(2). */
static int32_t listener_set_up(const struct stream_socket *socket, uint32_t flags)
{
    int32_t r = stream_socket_set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && (flags & TRALE_STREAM_REUSE_PORT) != 0)
        r = stream_socket_set(socket, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && (flags & TRALE_STREAM_FREE_BIND) != 0)
        r = stream_socket_set(socket, IPPROTO_IP, IP_FREEBIND, 1); /* one flag for both families */
    /* Also sets it to 0, because net.ipv6.bindv6only may have set it to 1. */
    if (r == 0 && socket->family == AF_INET6)
        r = stream_socket_set(socket, IPPROTO_IPV6, IPV6_V6ONLY, (flags & TRALE_STREAM_V6_ONLY) != 0);
    return r;
}

int32_t stream_listen_on(struct stream_socket *socket, struct trale_stream_listener **listener)
{
    if (listen(socket->fd, (int)socket->stream->backlog) < 0) {
        int32_t error = -errno;
        stream_socket_discard(socket);
        return error;
    }
    stream_socket_open(socket, true);
    *listener = &socket->listener;
    return 0;
}

int32_t stream_listen(void *instance, const struct trale_address *local, uint32_t flags,
                      struct trale_stream_listener **listener)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.listen");
    struct stream_socket *socket;
    if ((flags & ~LISTEN_FLAGS) != 0)
        return -EINVAL;
    if (trale_address_length(local) == 0)
        return -EAFNOSUPPORT;
    int32_t r = stream_socket_make(instance, local->any.sa_family, &socket);
    if (r < 0)
        return r;
    r = listener_set_up(socket, flags);
    if (r == 0 && bind(socket->fd, &local->any, trale_address_length(local)) < 0)
        r = -errno;
    if (r < 0) {
        stream_socket_discard(socket);
        return r;
    }
    return stream_listen_on(socket, listener);
}

/* --- accepts ------------------------------------------------------------------------------------------------------ */

/* Makes room first, so that a connection which was taken is not lost for want of it. The socket has the options of its
 * listener, so that nothing is set here. */
static int64_t accept_attempt(struct stream_socket *listener, struct trale_stream_accept *accept)
{
    struct stream_socket *socket = stream_memory_get(listener->stream);
    if (socket == NULL)
        return -ENOMEM;
    struct sockaddr *peer = listener->family == AF_UNIX ? NULL : &accept->peer.any;
    socklen_t length = sizeof accept->peer;
    int fd = accept4(listener->fd, peer, peer != NULL ? &length : NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int error = errno;
        stream_memory_put(socket);
        return -error;
    }
    socket->fd = fd;
    socket->family = listener->family;
    stream_socket_open(socket, false);
    accept->socket = &socket->connection;
    return 0;
}

/* The connection at the head of the queue has broken off: accept(2) reports what the network said of it. */
static bool accept_failed_alone(int64_t error)
{
    switch (error) {
    case -EINTR:
    case -ECONNABORTED:
    case -EPROTO:
    case -ENOPROTOOPT:
    case -ENETDOWN:
    case -ENETUNREACH:
    case -EHOSTDOWN:
    case -EHOSTUNREACH:
    case -ENONET:
        return true;
    default:
        return false;
    }
}

static bool accept_has_no_room(int64_t error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}

static struct operation accept_operation(struct trale_future *future)
{
    struct trale_stream_accept *accept = (struct trale_stream_accept *)(void *)future;
    return (struct operation){future, stream_listener(accept->listener), &accept->wait, TRALE_READABLE};
}

/* No room is reported once, so that it does not fill a log, and then waited for. */
static int64_t accept_starve(const struct operation *operation, int64_t error, const struct trale_context *context)
{
    struct stream_socket *listener = operation->socket;
    if (!listener->is_starved) {
        listener->is_starved = true;
        return error;
    }
    int32_t r = operation_pause(operation, context);
    return r == 0 ? TRALE_PENDING : r;
}

static int64_t accept_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = accept_operation(future);
    struct stream_socket *listener = operation.socket;
    if (operation_is_cancelled(&operation))
        return -ECANCELED;
    operation_end_wait(&operation);
    for (;;) {
        if (!trale_context_may_resolve(context))
            return TRALE_PENDING;
        int64_t r = accept_attempt(listener, (struct trale_stream_accept *)(void *)future);
        if (r == 0)
            listener->is_starved = false;
        if (accept_has_no_room(r))
            return accept_starve(&operation, r, context);
        if (r == -EAGAIN) {
            int32_t registered = operation_wait(&operation, OPERATION_WAITING, context);
            if (registered <= 0)
                return registered == 0 ? TRALE_PENDING : registered;
        } else if (!accept_failed_alone(r)) {
            return r;
        }
        trale_context_pay(context, 1);
    }
}

static void accept_drop(struct trale_future *future)
{
    const struct operation operation = accept_operation(future);
    if (!operation_is_cancelled(&operation))
        operation_end_wait(&operation);
}

void stream_accept(void *instance, struct trale_stream_accept *accept)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_accept", accept_poll,
                                                  accept_drop};
    (void)instance;
    accept->future.type = &type;
    operation_init(&accept->future, stream_listener(accept->listener));
}
