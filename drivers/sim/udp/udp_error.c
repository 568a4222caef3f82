/* SPDX-License-Identifier: MIT */
#include "udp_error.h"

#include <errno.h>

#include "peer.h"
#include "udp_operation.h"

static int64_t error_attempt(struct trale_future *future)
{
    struct trale_udp_error *error = (struct trale_udp_error *)(void *)future;
    const struct socket *socket = udp_socket_of(error->socket)->socket;
    struct icmp_report report;
    uint32_t n_lost;
    if (socket->errors == NULL)
        return -EOPNOTSUPP;
    if (!icmp_take(socket->errors, &report, &n_lost))
        return -EAGAIN;
    uint64_t n = report.n_bytes < error->size ? report.n_bytes : error->size;
    if (n > 0)
        memcpy(error->buf, report.bytes, n);
    error->to = peer_show(socket, &report.to);
    error->from = peer_show(socket, &report.from);
    error->error = report.error;
    error->origin = report.origin;
    error->type = report.type;
    error->code = report.code;
    error->mtu = report.mtu;
    error->n_lost = n_lost;
    return (int64_t)n;
}

static struct udp_operation error_operation(struct trale_future *future)
{
    struct trale_udp_error *error = (struct trale_udp_error *)(void *)future;
    return (struct udp_operation){future, udp_socket_of(error->socket), &error->wait, error_attempt, UDP_ERRORS};
}

static int64_t error_poll(struct trale_future *future, struct trale_context *context)
{
    const struct udp_operation operation = error_operation(future);
    return udp_operation_poll(&operation, context);
}

static void error_drop(struct trale_future *future)
{
    const struct udp_operation operation = error_operation(future);
    udp_operation_drop(&operation);
}

void udp_recv_error(void *instance, struct trale_udp_error *error)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv_error", error_poll,
                                                  error_drop};
    (void)instance;
    udp_operation_init(&error->future, &type, error->socket);
}
