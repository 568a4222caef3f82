/* SPDX-License-Identifier: MIT */
#include "stream_operation.h"

#include "list.h"

void stream_operation_init(struct trale_future *future, const struct trale_future_type *type,
                           const struct stream_socket *socket)
{
    future->type = type;
    future->own = socket->generation;
}

bool stream_operation_is_cancelled(const struct stream_operation *operation)
{
    return operation->future->own != operation->socket->generation;
}

void stream_operation_wait(const struct stream_operation *operation, const struct trale_context *context)
{
    struct stream_socket *socket = operation->socket;
    operation->node->waker = context->waker;
    list_append(&socket->waiting[operation->wait], &operation->node->link);
    socket->endpoint->awaited |= 1u << operation->wait;
}

void stream_operation_end_wait(const struct stream_operation *operation)
{
    list_remove(&operation->node->link);
}
