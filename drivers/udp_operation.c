/* SPDX-License-Identifier: MIT
 *
 * A receive or a send is an attempt that is repeated. One that finds nothing, or no room, registers its wait, and its
 * `driver` member becomes a link in its socket's ring, until it resolves or is dropped. Closing a socket wakes all that
 * stand there and marks them, so that none of them looks at the socket again.
 *
 * A receive that awaits an answer finds nothing when it begins, and its first attempt is a system call lost. In a
 * flood it finds a datagram, and waiting first would cost a look at epoll for each. So a socket does what would have
 * been right the last times. Where waiting first is allowed (TRALE_HOST_LEVEL), each lost attempt in a row doubles the
 * number of receives that wait first before one tries again, and an attempt that is not lost ends that.
 */
#include "udp_operation.h"

/* Then 63 receives wait first between two attempts. */
#define N_MISSED_MAX 7

/* The mark of one whose socket was closed: a link that is in no ring, but is not as ring_remove leaves it either. */
static bool operation_was_cancelled(const struct operation *operation)
{
    return operation->link[0] == NULL && operation->link[1] != NULL;
}

void udp_operation_cancel_all(struct udp_socket *socket)
{
    while (socket->waiting[0] != socket->waiting) {
        void **link = socket->waiting[0];
        ring_remove(link);
        link[1] = link;
    }
}

void udp_operation_end(const struct operation *operation)
{
    if (operation->link[0] == NULL)
        return;
    const struct trale_host *host = &operation->socket->udp->host;
    host->cancel_wait(host->context, operation->wait);
    ring_remove(operation->link);
}

/* As register_waker; a wait that stands already is taken back first, for the waker of an earlier poll may be gone. */
static int32_t operation_wait(const struct operation *operation, uint32_t interest, const struct trale_context *context)
{
    struct udp_socket *socket = operation->socket;
    const struct trale_host *host = &socket->udp->host;
    udp_operation_end(operation);
    operation->wait->waker = context->waker;
    int32_t r = host->register_waker(host->context, socket->fd, interest, operation->wait);
    if (r == 0)
        ring_add(socket->waiting, operation->link);
    return r;
}

/* Waits while the attempt says EAGAIN, which `n` is what it said last. */
static int64_t operation_repeat(const struct operation *operation, uint32_t interest, int64_t n,
                                struct trale_context *context)
{
    while (n == -EAGAIN) {
        int32_t r = operation_wait(operation, interest, context);
        if (r == 0)
            return TRALE_PENDING;
        n = r < 0 ? r : operation->attempt(operation->future);
    }
    udp_operation_end(operation);
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
    if (operation_was_cancelled(operation))
        return -ECANCELED;
    int64_t n = -EAGAIN;
    if (operation->link[0] != NULL) {
        n = operation->attempt(operation->future);
    } else if (!recv_waits_first(operation->socket)) {
        n = operation->attempt(operation->future);
        recv_learn(operation->socket, n == -EAGAIN);
    }
    return operation_repeat(operation, TRALE_READABLE, n, context);
}

int64_t udp_operation_send(const struct operation *operation, struct trale_context *context)
{
    if (operation_was_cancelled(operation))
        return -ECANCELED;
    return operation_repeat(operation, TRALE_WRITABLE, operation->attempt(operation->future), context);
}
