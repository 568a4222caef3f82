/* SPDX-License-Identifier: MIT
 *
 * An instance, and how its sockets are opened and closed. */
#include "instance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connect.h"
#include "error.h"
#include "group.h"
#include "inherit.h"
#include "option.h"
#include "recv_error.h"
#include "socket.h"
#include "transfer.h"

#define OPEN_FLAGS (TRALE_UDP_REUSE_ADDRESS | TRALE_UDP_REUSE_PORT | TRALE_UDP_V6_ONLY | TRALE_UDP_FREE_BIND)

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static int socket_set_flag(int fd, int level, int name, bool on)
{
    int value = on;
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

/* Sets what must be set before bind(2), and the buffers. */
static int socket_set_up(const struct udp *udp, struct udp_socket *socket, uint32_t flags)
{
    int r = 0;
    if ((flags & TRALE_UDP_REUSE_ADDRESS) != 0)
        r = socket_set_flag(socket->fd, SOL_SOCKET, SO_REUSEADDR, true);
    if (r == 0 && (flags & TRALE_UDP_REUSE_PORT) != 0)
        r = socket_set_flag(socket->fd, SOL_SOCKET, SO_REUSEPORT, true);
    if (r == 0 && (flags & TRALE_UDP_FREE_BIND) != 0)
        r = socket_set_flag(socket->fd, IPPROTO_IP, IP_FREEBIND, true); /* one flag for both families */
    /* Also sets it to 0, because net.ipv6.bindv6only may have set it to 1. */
    if (r == 0 && socket->family == AF_INET6)
        r = socket_set_flag(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY, (flags & TRALE_UDP_V6_ONLY) != 0);
    if (r == 0 && udp->receive_buffer > 0)
        r = udp_option_set(udp_of(socket), &socket->base, TRALE_UDP_RECEIVE_BUFFER, udp->receive_buffer);
    if (r == 0 && udp->send_buffer > 0)
        r = udp_option_set(udp_of(socket), &socket->base, TRALE_UDP_SEND_BUFFER, udp->send_buffer);
    return r;
}

static int32_t udp_open(void *instance, const struct trale_address *local, uint32_t flags,
                        struct trale_udp_socket **base)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.open");
    struct udp *udp = instance;
    if ((flags & ~OPEN_FLAGS) != 0)
        return -EINVAL;
    if (trale_address_length(local) == 0)
        return -EAFNOSUPPORT;
    int fd = socket(local->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct udp_socket *opened = udp_socket_new(udp, fd, local->any.sa_family);
    if (opened == NULL) {
        close(fd);
        return -ENOMEM;
    }
    int32_t r = socket_set_up(udp, opened, flags);
    if (r == 0 && bind(fd, &local->any, trale_address_length(local)) < 0)
        r = -errno;
    if (r < 0) {
        udp_socket_free(opened);
        close(fd);
        return r;
    }
    *base = &opened->base;
    return 0;
}

void udp_close(void *instance, struct trale_udp_socket *base)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.close");
    struct udp *udp = instance;
    struct udp_socket *socket = (struct udp_socket *)base;
    udp->host.forget_fd(udp->host.context, socket->fd);
    close(socket->fd);
    udp_socket_free(socket);
}

/* --- buffers ------------------------------------------------------------------------------------------------------ */

/* Warns if the kernel gives less than trale.ini wants. The kernel doubles the value, for its own records. */
static void buffer_check(const struct trale_host *host, int fd, int name, const char *option,
                         const struct trale_value *value, const char *limit)
{
    int bytes = (int)value->integer;
    socklen_t size = sizeof bytes;
    char message[160];
    if (bytes == 0 || setsockopt(fd, SOL_SOCKET, name, &bytes, sizeof bytes) < 0 ||
        getsockopt(fd, SOL_SOCKET, name, &bytes, &size) < 0 || bytes / 2 >= value->integer)
        return;
    snprintf(message, sizeof message, "%s = %s: the kernel gives %d bytes, the limit of %s; raise it with sysctl(8)",
             option, value->text, bytes / 2, limit);
    host->log(host->context, TRALE_LOG_WARNING, message);
}

/* Tries the buffers on a socket of its own, so that the warning comes once and not with every socket. */
static void buffers_check(const struct trale_host *host, const struct trale_settings *settings)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    buffer_check(host, fd, SO_RCVBUF, "receive_buffer", &settings->values[UDP_OPTION_RECEIVE_BUFFER],
                 "net.core.rmem_max");
    buffer_check(host, fd, SO_SNDBUF, "send_buffer", &settings->values[UDP_OPTION_SEND_BUFFER], "net.core.wmem_max");
    close(fd);
}

/* --- instances ---------------------------------------------------------------------------------------------------- */

int32_t udp_init(struct udp *udp, const struct trale_host *host, const struct trale_settings *settings)
{
    trale_host_copy(&udp->host, host);
    udp->receive_buffer = settings->values[UDP_OPTION_RECEIVE_BUFFER].integer;
    udp->send_buffer = settings->values[UDP_OPTION_SEND_BUFFER].integer;
    udp->table = (struct trale_udp){
        .interface = {.size = sizeof udp->table, .version = 1, .instance = udp},
        .open = udp_open,
        .close = udp_close,
        .connect = udp_connect,
        .local = udp_local,
        .peer = udp_peer,
        .set = udp_option_set,
        .get = udp_option_get,
        .join = udp_group_join,
        .leave = udp_group_leave,
        .recv = udp_transfer_recv,
        .send = udp_transfer_send,
        .recv_batch = udp_transfer_recv_batch,
        .send_batch = udp_transfer_send_batch,
        .try_recv = udp_transfer_try_recv,
        .try_send = udp_transfer_try_send,
        .try_recv_batch = udp_transfer_try_recv_batch,
        .try_send_batch = udp_transfer_try_send_batch,
        .join_source = udp_group_join_source,
        .leave_source = udp_group_leave_source,
        .adopt = udp_adopt,
        .inherit = udp_inherit,
        .recv_error = udp_recv_error,
    };
    udp->messages = udp_batch_messages();
    if (udp->messages == NULL)
        return -ENOMEM;
    if (udp->receive_buffer > 0 || udp->send_buffer > 0)
        buffers_check(&udp->host, settings);
    return 0;
}

void udp_deinit(struct udp *udp)
{
    size_t position = 0;
    for (struct udp_socket *socket; (socket = udp_memory_next(udp, &position)) != NULL;)
        udp->table.close(udp, &socket->base);
    udp_memory_free(udp);
    free(udp->messages);
}
