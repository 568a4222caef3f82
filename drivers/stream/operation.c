/* SPDX-License-Identifier: MIT */
#include "operation.h"

#include "retry.h"

bool operation_end_wait(const struct operation *operation)
{
    enum operation_state state = operation_state(operation);
    if (state == OPERATION_IDLE)
        return false;
    operation_set_state(operation, OPERATION_IDLE);
    if (state == OPERATION_PAUSED) {
        stream_retry_end(operation->wait);
        return false;
    }
    const struct trale_host *host = &operation->socket->stream->host;
    return host->cancel_wait(host->context, operation->wait) == 0;
}

int32_t operation_wait(const struct operation *operation, enum operation_state state,
                       const struct trale_context *context)
{
    struct stream_socket *socket = operation->socket;
    const struct trale_host *host = &socket->stream->host;
    operation->wait->waker = context->waker;
    int32_t r = host->register_waker(host->context, socket->fd, operation->interest, operation->wait);
    if (r == 0)
        operation_set_state(operation, state);
    return r;
}

int32_t operation_pause(const struct operation *operation, const struct trale_context *context)
{
    int32_t r = stream_retry_pause(operation->socket->stream, operation->wait, context->waker);
    if (r == 0)
        operation_set_state(operation, OPERATION_PAUSED);
    return r;
}
