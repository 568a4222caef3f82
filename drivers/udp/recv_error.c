/* SPDX-License-Identifier: MIT */
#include "recv_error.h"

#include "error.h"
#include "operation.h"

static int64_t error_attempt(struct trale_future *future)
{
    struct trale_udp_error *error = (struct trale_udp_error *)(void *)future;
    struct udp_socket *socket = (struct udp_socket *)error->socket;
    struct udp_errors *errors = udp_socket_errors(socket);
    if (errors == NULL)
        return -EOPNOTSUPP;
    if (errors->n == 0)
        udp_error_take_in(socket);
    if (errors->n == 0)
        return -EAGAIN;
    const struct kept_error *kept = &errors->kept[errors->first];
    size_t size = error->size < kept->n_bytes ? (size_t)error->size : kept->n_bytes;
    if (size > 0)
        memcpy(error->buf, kept->bytes, size);
    error->to = kept->told.to;
    error->from = kept->told.from;
    error->error = kept->told.error;
    error->origin = kept->told.origin;
    error->type = kept->told.type;
    error->code = kept->told.code;
    error->mtu = kept->told.mtu;
    error->n_lost = errors->n_lost;
    errors->n_lost = 0;
    errors->first = (errors->first + 1) % TRALE_UDP_ERRORS_KEPT;
    errors->n--;
    return (int64_t)size;
}

static struct operation error_operation(struct trale_future *future)
{
    struct trale_udp_error *error = (struct trale_udp_error *)(void *)future;
    return (struct operation){future, (struct udp_socket *)error->socket, &error->wait, error_attempt, TRALE_FAILING};
}

static int64_t error_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = error_operation(future);
    return udp_operation_poll(&operation, context);
}

static void error_drop(struct trale_future *future)
{
    const struct operation operation = error_operation(future);
    udp_operation_drop(&operation);
}

void udp_recv_error(void *instance, struct trale_udp_error *error)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv_error", error_poll,
                                                  error_drop};
    (void)instance;
    error->future.type = &type;
    udp_operation_init(&error->future, error->socket);
}
