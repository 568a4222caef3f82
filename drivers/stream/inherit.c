/* SPDX-License-Identifier: MIT
 *
 * Sockets and pipes that are open already: adopted by number, or inherited from a service manager. */
#include "inherit.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "inherited.h"
#include "option.h"
#include "socket.h"

static int32_t fd_get(int fd, int name, int *value)
{
    socklen_t size = sizeof *value;
    return getsockopt(fd, SOL_SOCKET, name, value, &size) < 0 ? -errno : 0;
}

/* -EBUSY: a socket of this instance has the fd already. 0, or -ENOMEM. */
static int32_t fd_check_free(struct stream *stream, int fd)
{
    struct open_fds *fds = &stream->open_fds;
    if (fds->words == NULL && open_fds_grow(fds, 1))
        for (const struct stream_socket *socket = stream->all; socket != NULL; socket = socket->next_made)
            if (socket->generation != 0)
                open_fds_add(fds, socket->fd);
    if (fds->words == NULL)
        return -ENOMEM;
    return open_fds_has(fds, fd) ? -EBUSY : 0;
}

static int32_t fd_check(struct stream *stream, int fd, int *family, int *is_listening)
{
    int type = 0, protocol = 0;
    int32_t r = fd_get(fd, SO_DOMAIN, family);
    if (r == 0)
        r = fd_get(fd, SO_TYPE, &type);
    if (r == 0)
        r = fd_get(fd, SO_PROTOCOL, &protocol);
    if (r == 0)
        r = fd_get(fd, SO_ACCEPTCONN, is_listening);
    if (r < 0)
        return r;
    if (*family != AF_INET && *family != AF_INET6 && *family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (type != SOCK_STREAM || protocol != (*family == AF_UNIX ? 0 : IPPROTO_TCP))
        return -EPROTOTYPE;
    return fd_check_free(stream, fd);
}

/* Makes a socket of an fd that was checked. close(2) would block the executor for the time of SO_LINGER, which accepted
 * sockets have from their listener. */
static int32_t fd_adopt(struct stream *stream, int fd, int family, bool is_listener, struct stream_socket **socket)
{
    struct stream_socket *adopted = stream_memory_get(stream);
    if (adopted == NULL)
        return -ENOMEM;
    adopted->fd = fd;
    adopted->family = (uint8_t)family;
    stream_socket_open(adopted, is_listener);
    int64_t linger = -1;
    if (stream_get(stream, &adopted->connection, TRALE_STREAM_LINGER, &linger) == 0 && linger > 0)
        stream_set(stream, &adopted->connection, TRALE_STREAM_LINGER, -1);
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    *socket = adopted;
    return 0;
}

static bool fd_has_peer(int fd)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &length) == 0;
}

static bool fd_is_pipe(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode);
}

int32_t stream_adopt(void *instance, int32_t fd, struct trale_stream_socket **base)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.adopt");
    struct stream_socket *socket = NULL;
    int family = 0, is_listening = 0;
    int32_t r = fd_check(instance, fd, &family, &is_listening);
    if (r == -ENOTSOCK && fd_is_pipe(fd))
        r = fd_check_free(instance, fd);
    else if (r == 0 && (is_listening != 0 || !fd_has_peer(fd)))
        r = -ENOTCONN;
    if (r == 0)
        r = fd_adopt(instance, fd, family, false, &socket);
    if (r == 0)
        *base = &socket->connection;
    return r;
}

int32_t stream_adopt_listener(void *instance, int32_t fd, struct trale_stream_listener **base)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.adopt_listener");
    struct stream_socket *socket = NULL;
    int family = 0, is_listening = 0;
    int32_t r = fd_check(instance, fd, &family, &is_listening);
    if (r == 0 && is_listening == 0)
        r = -EINVAL;
    if (r == 0)
        r = fd_adopt(instance, fd, family, true, &socket);
    if (r == 0)
        *base = &socket->listener;
    return r;
}

int32_t stream_inherit(void *instance, const char *name, struct trale_stream_socket **base)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.inherit");
    int fd = inherited_find(name);
    return fd < 0 ? fd : stream_adopt(instance, fd, base);
}

int32_t stream_inherit_listener(void *instance, const char *name, struct trale_stream_listener **base)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.inherit_listener");
    int fd = inherited_find(name);
    return fd < 0 ? fd : stream_adopt_listener(instance, fd, base);
}
