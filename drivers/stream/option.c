/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "socket.h"

#ifndef SO_BINDTOIFINDEX /* <sys/socket.h> of before glibc 2.31 */
#define SO_BINDTOIFINDEX 62
#endif

/* Which sockets have an option. */
enum kind { KIND_ALL, KIND_TCP, KIND_UNIX };

struct option {
    int level, name; /* 0: none */
    int minimum, maximum;
    enum kind kind;
};

static const struct option options[] = {
    [TRALE_STREAM_NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY, 0, 1, KIND_TCP},
    [TRALE_STREAM_CORK] = {IPPROTO_TCP, TCP_CORK, 0, 1, KIND_TCP},
    [TRALE_STREAM_KEEP_ALIVE] = {SOL_SOCKET, SO_KEEPALIVE, 0, 1, KIND_TCP},
    [TRALE_STREAM_KEEP_ALIVE_IDLE] = {IPPROTO_TCP, TCP_KEEPIDLE, 1, 32767, KIND_TCP},
    [TRALE_STREAM_KEEP_ALIVE_INTERVAL] = {IPPROTO_TCP, TCP_KEEPINTVL, 1, 32767, KIND_TCP},
    [TRALE_STREAM_KEEP_ALIVE_COUNT] = {IPPROTO_TCP, TCP_KEEPCNT, 1, 127, KIND_TCP},
    [TRALE_STREAM_USER_TIMEOUT] = {IPPROTO_TCP, TCP_USER_TIMEOUT, 0, INT_MAX, KIND_TCP},
    [TRALE_STREAM_LINGER] = {SOL_SOCKET, SO_LINGER, -1, 0, KIND_ALL},
    [TRALE_STREAM_RECEIVE_BUFFER] = {SOL_SOCKET, SO_RCVBUF, 1, INT_MAX, KIND_ALL},
    [TRALE_STREAM_SEND_BUFFER] = {SOL_SOCKET, SO_SNDBUF, 1, INT_MAX, KIND_ALL},
    [TRALE_STREAM_NOT_SENT] = {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, INT_MAX, KIND_TCP},
    [TRALE_STREAM_TRAFFIC_CLASS] = {IPPROTO_IP, IP_TOS, 0, 255, KIND_TCP},
    [TRALE_STREAM_INTERFACE] = {SOL_SOCKET, SO_BINDTOIFINDEX, 0, INT_MAX, KIND_TCP},
    [TRALE_STREAM_PASS_CREDENTIALS] = {SOL_SOCKET, SO_PASSCRED, 0, 1, KIND_UNIX},
};

/* The option that the socket has. 0, -ENOPROTOOPT, or -EOPNOTSUPP. */
static int32_t option_find(const struct stream_socket *socket, uint32_t option, const struct option **found)
{
    if (option >= sizeof options / sizeof options[0] || options[option].name == 0)
        return -ENOPROTOOPT;
    *found = &options[option];
    if (stream_is_pipe(socket))
        return -EOPNOTSUPP;
    if ((*found)->kind == KIND_ALL || ((*found)->kind == KIND_UNIX) == (socket->family == AF_UNIX))
        return 0;
    return -EOPNOTSUPP;
}

/* --- set ---------------------------------------------------------------------------------------------------------- */

static int32_t linger_set(const struct stream_socket *socket, int value)
{
    const struct linger linger = {.l_onoff = value == 0};
    return setsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0 ? -errno : 0;
}

static int32_t option_set(const struct stream_socket *socket, uint32_t option, int64_t value)
{
    const struct option *found;
    char interface[IF_NAMESIZE];
    int32_t r = option_find(socket, option, &found);
    if (r < 0)
        return r;
    if (value < found->minimum || value > found->maximum)
        return -EINVAL;
    /* The kernel does not check that the interface exists. */
    if (option == TRALE_STREAM_INTERFACE && value > 0 && if_indextoname((unsigned)value, interface) == NULL)
        return -ENODEV;
    if (option == TRALE_STREAM_LINGER)
        return linger_set(socket, (int)value);
    r = stream_socket_set(socket, found->level, found->name, (int)value);
    if (r == 0 && option == TRALE_STREAM_TRAFFIC_CLASS && socket->family == AF_INET6)
        r = stream_socket_set(socket, IPPROTO_IPV6, IPV6_TCLASS, (int)value);
    return r;
}

int32_t stream_set(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t value)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.set");
    return option == TRALE_STREAM_BACKLOG ? -EOPNOTSUPP : option_set(stream_connection(socket), option, value);
}

int32_t stream_set_listener(void *instance, struct trale_stream_listener *base, uint32_t option, int64_t value)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.set_listener");
    const struct stream_socket *listener = stream_listener(base);
    if (option != TRALE_STREAM_BACKLOG)
        return option_set(listener, option, value);
    if (value < 0 || value > INT_MAX)
        return -EINVAL;
    return listen(listener->fd, (int)value) < 0 ? -errno : 0;
}

/* --- get ---------------------------------------------------------------------------------------------------------- */

static int32_t queue_get(const struct stream_socket *socket, unsigned long request, int64_t *value)
{
    int n_bytes;
    if (ioctl(socket->fd, request, &n_bytes) < 0)
        return -errno;
    *value = n_bytes;
    return 0;
}

static int32_t linger_get(const struct stream_socket *socket, int64_t *value)
{
    struct linger linger;
    socklen_t size = sizeof linger;
    if (getsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &linger, &size) < 0)
        return -errno;
    *value = linger.l_onoff != 0 ? linger.l_linger : -1;
    return 0;
}

static int32_t option_get(const struct stream_socket *socket, uint32_t option, int64_t *value)
{
    const struct option *found;
    if (option == TRALE_STREAM_SEND_QUEUE)
        return stream_is_pipe(socket) ? -EOPNOTSUPP : queue_get(socket, SIOCOUTQ, value);
    if (option == TRALE_STREAM_RECEIVE_QUEUE)
        return queue_get(socket, FIONREAD, value);
    int32_t r = option_find(socket, option, &found);
    if (r < 0)
        return r;
    if (option == TRALE_STREAM_LINGER)
        return linger_get(socket, value);
    int number, level = found->level, name = found->name;
    socklen_t size = sizeof number;
    if (option == TRALE_STREAM_TRAFFIC_CLASS && socket->family == AF_INET6) {
        level = IPPROTO_IPV6;
        name = IPV6_TCLASS;
    }
    if (getsockopt(socket->fd, level, name, &number, &size) < 0)
        return -errno;
    *value = number;
    return 0;
}

int32_t stream_get(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t *value)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.get");
    return option_get(stream_connection(socket), option, value);
}

int32_t stream_get_listener(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t *value)
{
    trale_host_expect(&((struct stream *)instance)->host, "trale_stream.get_listener");
    if (option == TRALE_STREAM_SEND_QUEUE || option == TRALE_STREAM_RECEIVE_QUEUE)
        return -EINVAL;
    return option_get(stream_listener(listener), option, value);
}
