/* SPDX-License-Identifier: MIT
 *
 * One datagram at a time: recvfrom(2) and sendto(2), and with info recvmsg(2) and sendmsg(2). */
#include "transfer.h"

/* --- receives ----------------------------------------------------------------------------------------------------- */

static ssize_t recv_with_info(const struct udp_socket *socket, struct trale_udp_recv *recv)
{
    union udp_control control;
    struct iovec piece = {recv->buf, recv->size};
    struct msghdr message = {
        .msg_name = &recv->from,
        .msg_namelen = sizeof recv->from,
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n = recvmsg(socket->fd, &message, MSG_TRUNC | MSG_DONTWAIT);
    if (n >= 0)
        udp_info_read(socket, &message, recv->info);
    return n;
}

static ssize_t recv_without_info(const struct udp_socket *socket, struct trale_udp_recv *recv)
{
    socklen_t from_length = sizeof recv->from;
    return recvfrom(socket->fd, recv->buf, recv->size, MSG_TRUNC | MSG_DONTWAIT, &recv->from.any, &from_length);
}

static int64_t recv_attempt(struct trale_future *future)
{
    struct trale_udp_recv *recv = (struct trale_udp_recv *)(void *)future;
    struct udp_socket *socket = (struct udp_socket *)recv->socket;
    if (socket->gro)
        return -EOPNOTSUPP;
    ssize_t n;
    do
        n = recv->info != NULL ? recv_with_info(socket, recv) : recv_without_info(socket, recv);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    recv->length = (uint32_t)n; /* that of the datagram, because of MSG_TRUNC */
    recv->truncated = recv->length > recv->size;
    return recv->truncated ? (int64_t)recv->size : n;
}

struct operation udp_recv_operation(struct trale_future *future)
{
    struct trale_udp_recv *recv = (struct trale_udp_recv *)(void *)future;
    return (struct operation){future, (struct udp_socket *)recv->socket, &recv->wait, recv_attempt, TRALE_READABLE};
}

static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = udp_recv_operation(future);
    return udp_operation_poll(&operation, context);
}

static void recv_drop(struct trale_future *future)
{
    const struct operation operation = udp_recv_operation(future);
    udp_operation_drop(&operation);
}

void udp_transfer_recv(void *instance, struct trale_udp_recv *recv)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv", recv_poll, recv_drop};
    (void)instance;
    recv->future.type = &type;
    udp_operation_init(&recv->future, recv->socket);
}

int64_t udp_transfer_try_recv(void *instance, struct trale_udp_recv *recv)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.try_recv");
    const struct operation operation = udp_recv_operation(&recv->future);
    return udp_operation_try(&operation);
}

/* --- sends -------------------------------------------------------------------------------------------------------- */

int udp_send_address_size(const struct trale_udp_send *send)
{
    socklen_t size = trale_address_length(&send->to);
    return size == 0 && send->to.any.sa_family != AF_UNSPEC ? -EAFNOSUPPORT : (int)size;
}

int udp_send_message(const struct trale_udp_send *send, struct udp_message *message)
{
    int to_size = udp_send_address_size(send);
    if (to_size < 0)
        return to_size;
    message->to = send->to;
    message->piece = (struct iovec){(void *)(uintptr_t)send->buf, send->size};
    message->header = (struct msghdr){
        .msg_name = to_size > 0 ? &message->to : NULL,
        .msg_namelen = (socklen_t)to_size,
        .msg_iov = &message->piece,
        .msg_iovlen = 1,
    };
    if (send->info == NULL)
        return 0;
    const struct udp_socket *socket = (const struct udp_socket *)send->socket;
    return udp_info_write(socket, send->info, 0, &message->to, &message->header, &message->control);
}

static int64_t send_with_info(const struct udp_socket *socket, const struct trale_udp_send *send)
{
    struct udp_message message;
    int r = udp_send_message(send, &message);
    if (r < 0)
        return r;
    ssize_t n = sendmsg(socket->fd, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

static int64_t send_without_info(const struct udp_socket *socket, const struct trale_udp_send *send,
                                 socklen_t to_length)
{
    const struct sockaddr *to = to_length > 0 ? &send->to.any : NULL;
    ssize_t n = sendto(socket->fd, send->buf, send->size, MSG_DONTWAIT | MSG_NOSIGNAL, to, to_length);
    return n < 0 ? -errno : n;
}

static int64_t send_attempt(struct trale_future *future)
{
    const struct trale_udp_send *send = (struct trale_udp_send *)(void *)future;
    const struct udp_socket *socket = (struct udp_socket *)send->socket;
    int to_size = udp_send_address_size(send);
    if (to_size < 0)
        return to_size;
    int64_t n;
    do
        n = send->info != NULL ? send_with_info(socket, send) : send_without_info(socket, send, (socklen_t)to_size);
    while (n == -EINTR);
    return n;
}

struct operation udp_send_operation(struct trale_future *future)
{
    struct trale_udp_send *send = (struct trale_udp_send *)(void *)future;
    return (struct operation){future, (struct udp_socket *)send->socket, &send->wait, send_attempt, TRALE_WRITABLE};
}

static int64_t send_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = udp_send_operation(future);
    return udp_operation_poll(&operation, context);
}

static void send_drop(struct trale_future *future)
{
    const struct operation operation = udp_send_operation(future);
    udp_operation_drop(&operation);
}

void udp_transfer_send(void *instance, struct trale_udp_send *send)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send", send_poll, send_drop};
    (void)instance;
    send->future.type = &type;
    udp_operation_init(&send->future, send->socket);
}

int64_t udp_transfer_try_send(void *instance, struct trale_udp_send *send)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.try_send");
    const struct operation operation = udp_send_operation(&send->future);
    return udp_operation_try(&operation);
}
