/* SPDX-License-Identifier: MIT
 *
 * Names of Unix sockets, and the addresses of TCP sockets. */
#include "name.h"

#include <sys/socket.h>

#include "accept.h"
#include "socket.h"

int32_t stream_name_read(const char *path, struct sockaddr_un *name, socklen_t *length)
{
    const bool is_abstract = path[0] == '@';
    const size_t n = strlen(path);
    if (n == 0 || (is_abstract && n == 1))
        return -EINVAL;
    if (n - is_abstract >= sizeof name->sun_path)
        return -ENAMETOOLONG;
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path, path, n);
    if (is_abstract)
        name->sun_path[0] = '\0';
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + !is_abstract);
    return 0;
}

int32_t stream_listen_unix(void *instance, const char *path, struct trale_stream_listener **listener)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.listen_unix");
    struct stream_socket *socket = NULL;
    struct sockaddr_un name;
    socklen_t length;
    int32_t r = stream_name_read(path, &name, &length);
    if (r == 0)
        r = stream_socket_make(instance, AF_UNIX, &socket);
    if (r < 0)
        return r;
    if (bind(socket->fd, (struct sockaddr *)&name, length) < 0) {
        r = -errno;
        stream_socket_discard(socket);
        return r;
    }
    return stream_listen_on(socket, listener);
}

/* --- addresses of TCP --------------------------------------------------------------------------------------------- */

typedef int get_name(int fd, struct sockaddr *name, socklen_t *length);

static int32_t address_get(const struct stream_socket *socket, get_name *get, struct trale_address *address)
{
    struct trale_address found;
    socklen_t length = sizeof found;
    if (socket->family == AF_UNIX || stream_is_pipe(socket))
        return -EAFNOSUPPORT;
    memset(&found, 0, sizeof found);
    if (get(socket->fd, &found.any, &length) < 0)
        return -errno;
    *address = found;
    return 0;
}

int32_t stream_local(void *instance, struct trale_stream_socket *socket, struct trale_address *address)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.local");
    return address_get(stream_connection(socket), getsockname, address);
}

int32_t stream_peer(void *instance, struct trale_stream_socket *socket, struct trale_address *address)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.peer");
    return address_get(stream_connection(socket), getpeername, address);
}

int32_t stream_listener_local(void *instance, struct trale_stream_listener *listener, struct trale_address *address)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.listener_local");
    return address_get(stream_listener(listener), getsockname, address);
}
