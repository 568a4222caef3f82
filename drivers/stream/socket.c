/* SPDX-License-Identifier: MIT */
#include "socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "retry.h"

/* --- made and closed ---------------------------------------------------------------------------------------------- */

int32_t stream_socket_set(const struct stream_socket *socket, int level, int name, int value)
{
    return setsockopt(socket->fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

void stream_socket_discard(struct stream_socket *socket)
{
    close(socket->fd);
    stream_memory_put(socket);
}

int32_t stream_socket_make(struct stream *stream, int family, struct stream_socket **made)
{
    struct stream_socket *opened = stream_memory_get(stream);
    if (opened == NULL)
        return -ENOMEM;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        int32_t error = -errno;
        stream_memory_put(opened);
        return error;
    }
    opened->fd = fd;
    opened->family = (uint8_t)family;
    int32_t r = 0;
    if (stream->receive_buffer > 0)
        r = stream_socket_set(opened, SOL_SOCKET, SO_RCVBUF, (int)stream->receive_buffer);
    if (r == 0 && stream->send_buffer > 0)
        r = stream_socket_set(opened, SOL_SOCKET, SO_SNDBUF, (int)stream->send_buffer);
    if (r < 0)
        stream_socket_discard(opened);
    else
        *made = opened;
    return r;
}

void stream_socket_open(struct stream_socket *socket, bool is_listener)
{
    stream_memory_open(socket);
    if (is_listener)
        socket->listener.stream = &socket->stream->table;
    else
        socket->connection.stream = &socket->stream->table;
}

void stream_socket_end(struct stream_socket *socket)
{
    const struct trale_host *host = &socket->stream->host;
    host->forget_fd(host->context, socket->fd);
    stream_memory_put(socket);
    stream_retry_all(socket->stream);
}

void stream_socket_close(struct stream_socket *socket)
{
    int fd = socket->fd;
    const struct trale_host *host = &socket->stream->host;
    host->forget_fd(host->context, fd);
    close(fd);
    stream_memory_put(socket);
    stream_retry_all(socket->stream);
}

/* --- the table's -------------------------------------------------------------------------------------------------- */

void stream_close(void *instance, struct trale_stream_socket *socket)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.close");
    stream_socket_close(stream_connection(socket));
}

void stream_close_listener(void *instance, struct trale_stream_listener *listener)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.close_listener");
    stream_socket_close(stream_listener(listener));
}

int32_t stream_release(void *instance, struct trale_stream_socket *base)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.release");
    struct stream_socket *socket = stream_connection(base);
    int fd = socket->fd;
    stream_socket_end(socket);
    return fd;
}

int32_t stream_shutdown(void *instance, struct trale_stream_socket *base, uint32_t directions)
{
    static const int hows[] = {[TRALE_STREAM_READS] = SHUT_RD,
                               [TRALE_STREAM_WRITES] = SHUT_WR,
                               [TRALE_STREAM_READS | TRALE_STREAM_WRITES] = SHUT_RDWR};
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.shutdown");
    if (directions == 0 || directions >= sizeof hows / sizeof hows[0])
        return -EINVAL;
    if (stream_is_pipe(stream_connection(base)))
        return -EOPNOTSUPP;
    return shutdown(stream_connection(base)->fd, hows[directions]) < 0 ? -errno : 0;
}

/* --- connections that broke off ----------------------------------------------------------------------------------- */

/* What the kernel says of a connection that is over, be it by an end in both directions or by an error. */
static bool is_over(const struct stream_socket *socket)
{
    struct pollfd look = {.fd = socket->fd};
    return poll(&look, 1, 0) == 1 && (look.revents & POLLHUP) != 0;
}

/* The kernel reports such an error once, to the first operation that asks; after that, reads would find an end of
 * stream, and writes EPIPE. Other errors are those of the call: of its arguments, of a file that it sends, or of what
 * it passes. */
bool stream_socket_breaks_off(struct stream_socket *socket, int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case EPIPE:
    case EFAULT:
    case EINVAL:
    case EIO:
    case EMSGSIZE:
    case ENOBUFS:
    case ENOMEM:
    case EPERM:
    case EBADF:
    case EOVERFLOW:
    case ESPIPE:
    case ESRCH:
    case ETOOMANYREFS:
    case EOPNOTSUPP:
    case ENOTCONN:
        return false;
    default:
        if (!is_over(socket))
            return false;
        if (socket->error == 0)
            socket->error = (int16_t)-error;
        return true;
    }
}
