/* SPDX-License-Identifier: MIT */
#include "udp_operation.h"

#include <errno.h>

#include "list.h"

void udp_operation_init(struct trale_future *future, const struct trale_future_type *type,
                        struct trale_udp_socket *socket)
{
    future->type = type;
    future->own = udp_socket_of(socket)->generation;
}

int64_t udp_operation_try(const struct udp_operation *operation)
{
    struct udp *udp = operation->socket->udp;
    int64_t n = operation->attempt(operation->future);
    udp_wake_ready(udp);
    return n;
}

/* A socket that was closed has ended all its waits. */
int64_t udp_operation_poll(const struct udp_operation *operation, struct trale_context *context)
{
    struct udp_socket *socket = operation->socket;
    if (operation->future->own != socket->generation)
        return -ECANCELED;
    list_remove(&operation->node->link);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    int64_t n = udp_operation_try(operation);
    if (n != -EAGAIN)
        return n;
    operation->node->waker = context->waker;
    list_append(&socket->waiting[operation->wait], &operation->node->link);
    socket->socket->awaited |= 1u << operation->wait;
    return TRALE_PENDING;
}

void udp_operation_drop(const struct udp_operation *operation)
{
    list_remove(&operation->node->link);
}
