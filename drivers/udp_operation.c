/* SPDX-License-Identifier: MIT
 *
 * A receive or a send is an attempt that is repeated. One that finds nothing, or no room, registers its wait, and its
 * `driver` member becomes a link in its socket's ring, until it resolves or is dropped. Closing a socket wakes all that
 * stand there and marks them, so that none of them looks at the socket again.
 *
 * A receive that awaits an answer finds nothing when it begins, and its first attempt is a system call lost. In a
 * flood it finds a datagram, and waiting first would cost a look at epoll for each. So a socket does what would have
 * been right the last time. Where waiting first is allowed (TRALE_HOST_LEVEL), an attempt that was lost makes the next
 * receives wait first; one in PROBE_INTERVAL still tries first, and finds out whether a flood has begun.
 */
#include "udp_operation.h"

#define PROBE_INTERVAL 16

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

static bool recv_tries_first(struct udp_socket *socket)
{
    if (!socket->quiet || (socket->udp->host.hints & TRALE_HOST_LEVEL) == 0)
        return true;
    return ++socket->n_quiet % PROBE_INTERVAL == 0;
}

int64_t udp_operation_recv(const struct operation *operation, struct trale_context *context)
{
    if (operation_was_cancelled(operation))
        return -ECANCELED;
    int64_t n = -EAGAIN;
    if (operation->link[0] != NULL) {
        n = operation->attempt(operation->future);
    } else if (recv_tries_first(operation->socket)) {
        n = operation->attempt(operation->future);
        operation->socket->quiet = n == -EAGAIN;
    }
    return operation_repeat(operation, TRALE_READABLE, n, context);
}

int64_t udp_operation_send(const struct operation *operation, struct trale_context *context)
{
    if (operation_was_cancelled(operation))
        return -ECANCELED;
    return operation_repeat(operation, TRALE_WRITABLE, operation->attempt(operation->future), context);
}
