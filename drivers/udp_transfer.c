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
#include "udp_transfer.h"

#include "udp_address.h"

#define PROBE_INTERVAL 16

/* The mark of one whose socket was closed: a link that is in no ring, but is not as ring_remove leaves it either. */
static bool operation_was_cancelled(void **link)
{
    return link[0] == NULL && link[1] != NULL;
}

void udp_transfer_cancel_all(struct udp_socket *socket)
{
    while (socket->waiting[0] != socket->waiting) {
        void **link = socket->waiting[0];
        ring_remove(link);
        link[1] = link;
    }
}

/* Takes back the wait, if there is one. */
static void operation_end(struct trale_udp_socket *base, struct trale_wait *wait, void **link)
{
    if (link[0] == NULL)
        return;
    const struct trale_host *host = &((struct udp_socket *)base)->udp->host;
    host->cancel_wait(host->context, wait);
    ring_remove(link);
}

/* As register_waker; a wait that stands already is taken back first, for the waker of an earlier poll may be gone. */
static int32_t operation_wait(struct trale_udp_socket *base, uint32_t interest, struct trale_wait *wait, void **link,
                              const struct trale_context *context)
{
    struct udp_socket *socket = (struct udp_socket *)base;
    const struct trale_host *host = &socket->udp->host;
    operation_end(base, wait, link);
    wait->waker = context->waker;
    int32_t r = host->register_waker(host->context, socket->fd, interest, wait);
    if (r == 0)
        ring_add(socket->waiting, link);
    return r;
}

static int64_t recv_attempt(struct trale_udp_recv *recv)
{
    int fd = ((struct udp_socket *)recv->socket)->fd;
    ssize_t n;
    do {
        socklen_t from_length = sizeof recv->from;
        n = recvfrom(fd, recv->buf, recv->size, MSG_TRUNC | MSG_DONTWAIT, &recv->from.any, &from_length);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    recv->length = (uint64_t)n; /* that of the datagram, because of MSG_TRUNC */
    recv->truncated = recv->length > recv->size;
    return recv->truncated ? (int64_t)recv->size : n;
}

static bool recv_tries_first(struct udp_socket *socket)
{
    if (!socket->quiet || (socket->udp->host.hints & TRALE_HOST_LEVEL) == 0)
        return true;
    return ++socket->n_quiet % PROBE_INTERVAL == 0;
}

static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_udp_recv *recv = (struct trale_udp_recv *)(void *)future;
    if (operation_was_cancelled(recv->driver))
        return -ECANCELED;
    struct udp_socket *socket = (struct udp_socket *)recv->socket;
    int64_t n = -EAGAIN;
    if (recv->driver[0] != NULL) {
        n = recv_attempt(recv);
    } else if (recv_tries_first(socket)) {
        n = recv_attempt(recv);
        socket->quiet = n == -EAGAIN;
    }
    while (n == -EAGAIN) {
        int32_t r = operation_wait(recv->socket, TRALE_READABLE, &recv->wait, recv->driver, context);
        if (r == 0)
            return TRALE_PENDING;
        n = r < 0 ? r : recv_attempt(recv);
    }
    operation_end(recv->socket, &recv->wait, recv->driver);
    return n;
}

static void recv_drop(struct trale_future *future)
{
    struct trale_udp_recv *recv = (struct trale_udp_recv *)(void *)future;
    operation_end(recv->socket, &recv->wait, recv->driver);
}

void udp_transfer_recv(void *instance, struct trale_udp_recv *recv)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv", recv_poll, recv_drop};
    (void)instance;
    recv->future.type = &type;
}

static int64_t send_attempt(struct trale_udp_send *send)
{
    int fd = ((struct udp_socket *)send->socket)->fd;
    bool connected = send->to.any.sa_family == AF_UNSPEC;
    socklen_t to_length = udp_address_length(&send->to);
    if (!connected && to_length == 0)
        return -EAFNOSUPPORT;
    ssize_t n;
    do
        n = sendto(fd, send->buf, send->size, MSG_DONTWAIT | MSG_NOSIGNAL, connected ? NULL : &send->to.any, to_length);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int64_t send_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_udp_send *send = (struct trale_udp_send *)(void *)future;
    if (operation_was_cancelled(send->driver))
        return -ECANCELED;
    int64_t n = send_attempt(send);
    while (n == -EAGAIN) {
        int32_t r = operation_wait(send->socket, TRALE_WRITABLE, &send->wait, send->driver, context);
        if (r == 0)
            return TRALE_PENDING;
        n = r < 0 ? r : send_attempt(send);
    }
    operation_end(send->socket, &send->wait, send->driver);
    return n;
}

static void send_drop(struct trale_future *future)
{
    struct trale_udp_send *send = (struct trale_udp_send *)(void *)future;
    operation_end(send->socket, &send->wait, send->driver);
}

void udp_transfer_send(void *instance, struct trale_udp_send *send)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send", send_poll, send_drop};
    (void)instance;
    send->future.type = &type;
}
