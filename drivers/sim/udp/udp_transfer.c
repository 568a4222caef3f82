/* SPDX-License-Identifier: MIT
 *
 * One datagram at a time. */
#include "udp_transfer.h"

#include <errno.h>

#include "udp_info.h"
#include "udp_operation.h"
#include "udp_take.h"

/* --- receives ----------------------------------------------------------------------------------------------------- */

static int64_t recv_attempt(struct trale_future *future)
{
    struct trale_udp_recv *recv = (struct trale_udp_recv *)(void *)future;
    struct udp_socket *socket = udp_socket_of(recv->socket);
    struct udp_taken taken;
    if (socket->socket->options.gro)
        return -EOPNOTSUPP;
    int r = udp_take(socket, recv->buf, recv->size, recv->info, &taken);
    if (r < 0)
        return r;
    recv->from = taken.from;
    recv->length = (uint32_t)taken.length;
    recv->truncated = taken.length > recv->size;
    return (int64_t)(recv->truncated ? recv->size : taken.length);
}

static struct udp_operation recv_operation(struct trale_future *future)
{
    struct trale_udp_recv *recv = (struct trale_udp_recv *)(void *)future;
    return (struct udp_operation){future, udp_socket_of(recv->socket), &recv->wait, recv_attempt, UDP_RECEIVES};
}

static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
{
    const struct udp_operation operation = recv_operation(future);
    return udp_operation_poll(&operation, context);
}

static void recv_drop(struct trale_future *future)
{
    const struct udp_operation operation = recv_operation(future);
    udp_operation_drop(&operation);
}

void udp_recv(void *instance, struct trale_udp_recv *recv)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv", recv_poll, recv_drop};
    (void)instance;
    udp_operation_init(&recv->future, &type, recv->socket);
}

int64_t udp_try_recv(void *instance, struct trale_udp_recv *recv)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.try_recv");
    const struct udp_operation operation = recv_operation(&recv->future);
    return udp_operation_try(&operation);
}

/* --- sends -------------------------------------------------------------------------------------------------------- */

static int64_t send_attempt(struct trale_future *future)
{
    const struct trale_udp_send *op = (struct trale_udp_send *)(void *)future;
    struct udp_socket *socket = udp_socket_of(op->socket);
    struct send send = {.bytes = op->buf, .size = op->size};
    int r = udp_info_write(socket, &op->to, op->info, &send);
    return r < 0 ? r : send_datagram(socket->udp->program->world, socket->socket, &send, false);
}

static struct udp_operation send_operation(struct trale_future *future)
{
    struct trale_udp_send *send = (struct trale_udp_send *)(void *)future;
    return (struct udp_operation){future, udp_socket_of(send->socket), &send->wait, send_attempt, UDP_SENDS};
}

static int64_t send_poll(struct trale_future *future, struct trale_context *context)
{
    const struct udp_operation operation = send_operation(future);
    return udp_operation_poll(&operation, context);
}

static void send_drop(struct trale_future *future)
{
    const struct udp_operation operation = send_operation(future);
    udp_operation_drop(&operation);
}

void udp_send(void *instance, struct trale_udp_send *send)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send", send_poll, send_drop};
    (void)instance;
    udp_operation_init(&send->future, &type, send->socket);
}

int64_t udp_try_send(void *instance, struct trale_udp_send *send)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.try_send");
    const struct udp_operation operation = send_operation(&send->future);
    return udp_operation_try(&operation);
}
