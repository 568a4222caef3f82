/* SPDX-License-Identifier: MIT
 *
 * A receive or a send is an attempt that is repeated. One that finds nothing, or no room, registers its wait and enters
 * its socket's list until it is polled again or dropped. Closing a socket wakes the operations in its list and moves on
 * its generation, by which every operation of it, also one that was not polled yet, sees that it is cancelled.
 *
 * A receive that awaits an answer finds nothing when it begins, and its first attempt is a system call lost. In a
 * flood it finds a datagram, and waiting first would cost a look at epoll for each. So a socket does what would have
 * been right the last times. Where waiting first is allowed (TRALE_HOST_LEVEL), each lost attempt in a row doubles the
 * number of receives that wait first before one tries again, and an attempt that is not lost ends that.
 */
#include "operation.h"

#include "error.h"

/* How often an attempt is repeated that fails as if somebody had complained of what was before it, although nobody has;
 * what still fails is its own. */
#define N_REPEATS_MAX 8

/* Then 63 receives wait first between two attempts. */
#define N_MISSED_MAX 7

void udp_operation_end(const struct operation *operation)
{
    if (operation->base->state != OPERATION_WAITING)
        return;
    const struct trale_host *host = &operation->socket->udp->host;
    host->cancel_wait(host->context, &operation->base->wait);
    list_remove(&operation->base->link);
    operation->base->state = OPERATION_IDLE;
}

static bool operation_is_cancelled(const struct operation *operation)
{
    return operation->base->generation != operation->socket->generation;
}

/* Every poll begins with this: the waker of the poll before may be gone, and what this poll wakes must not reach it.
 * Returns whether the operation had waited. */
static bool operation_resume(const struct operation *operation)
{
    bool waited = operation->base->state == OPERATION_WAITING;
    udp_operation_end(operation);
    return waited;
}

/* As register_waker. */
static int32_t operation_wait(const struct operation *operation, uint32_t interest, const struct trale_context *context)
{
    struct udp_socket *socket = operation->socket;
    const struct trale_host *host = &socket->udp->host;
    operation->base->wait.waker = context->waker;
    int32_t r = host->register_waker(host->context, socket->fd, interest, &operation->base->wait);
    if (r == 0) {
        list_append(&socket->waiting, &operation->base->link);
        operation->base->state = OPERATION_WAITING;
    }
    return r;
}

int64_t udp_operation_try(const struct operation *operation)
{
    int64_t n = operation->attempt(operation->future);
    if (n >= 0 || operation->socket->errors == NULL)
        return n;
    for (int i = 0; i < N_REPEATS_MAX && udp_error_is_earlier(n, operation->sends);) {
        i += !udp_error_take_in(operation->socket);
        n = operation->attempt(operation->future);
    }
    return n;
}

/* Waits while the attempt says EAGAIN, which `n` is what it said last. */
static int64_t operation_repeat(const struct operation *operation, uint32_t interest, int64_t n,
                                struct trale_context *context)
{
    while (n == -EAGAIN) {
        if (operation->socket->errors != NULL)
            udp_error_take_in(operation->socket);
        int32_t r = operation_wait(operation, interest, context);
        if (r == 0)
            return TRALE_PENDING;
        n = r < 0 ? r : udp_operation_try(operation);
    }
    return n;
}

static bool recv_waits_first(struct udp_socket *socket)
{
    if (socket->n_to_wait == 0 || socket->gro || (socket->udp->host.hints & TRALE_HOST_LEVEL) == 0)
        return false;
    socket->n_to_wait--;
    return true;
}

static void recv_learn(struct udp_socket *socket, bool missed)
{
    if (!missed)
        socket->n_missed = 0;
    else if (socket->n_missed < N_MISSED_MAX)
        socket->n_missed++;
    socket->n_to_wait = socket->n_missed > 1 ? (uint8_t)((1u << (socket->n_missed - 1)) - 1) : 0;
}

int64_t udp_operation_recv(const struct operation *operation, struct trale_context *context)
{
    if (operation_is_cancelled(operation))
        return -ECANCELED;
    int64_t n = -EAGAIN;
    bool waited = operation_resume(operation);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    if (waited) {
        n = udp_operation_try(operation);
    } else if (!recv_waits_first(operation->socket)) {
        n = udp_operation_try(operation);
        recv_learn(operation->socket, n == -EAGAIN);
    }
    return operation_repeat(operation, TRALE_READABLE, n, context);
}

int64_t udp_operation_send(const struct operation *operation, struct trale_context *context)
{
    if (operation_is_cancelled(operation))
        return -ECANCELED;
    operation_resume(operation);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    return operation_repeat(operation, TRALE_WRITABLE, udp_operation_try(operation), context);
}

int64_t udp_operation_error(const struct operation *operation, struct trale_context *context)
{
    if (operation_is_cancelled(operation))
        return -ECANCELED;
    operation_resume(operation);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    return operation_repeat(operation, TRALE_FAILING, operation->attempt(operation->future), context);
}
