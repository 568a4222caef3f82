/* SPDX-License-Identifier: MIT
 *
 * Many datagrams at a time: recvmmsg(2) and sendmmsg(2), and, where a buffer holds several datagrams, segmentation by
 * the kernel (UDP_SEGMENT and UDP_GRO, udp(7)), or piece by piece where the interface cannot do that. The application
 * keeps its array of datagrams; the kernel's array of messages is made anew for each attempt, in memory of the
 * instance, because fibers have small stacks.
 */
#include <stdlib.h>

#include "error.h"
#include "transfer.h"

/* udp(7): UDP_SEGMENT */
#define N_SEGMENTS_MAX 64

struct udp_messages {
    struct mmsghdr message[TRALE_UDP_BATCH];
    struct iovec piece[TRALE_UDP_BATCH];
    union udp_control control[TRALE_UDP_BATCH];
};

struct udp_messages *udp_batch_messages(void)
{
    return calloc(1, sizeof(struct udp_messages));
}

static struct trale_udp_batch *batch_of(struct trale_future *future)
{
    return (struct trale_udp_batch *)(void *)future;
}

static uint32_t batch_size(const struct trale_udp_batch *batch)
{
    return batch->n_datagrams < TRALE_UDP_BATCH ? (uint32_t)batch->n_datagrams : TRALE_UDP_BATCH;
}

static void message_set(struct udp_messages *messages, uint32_t i, struct trale_datagram *datagram, socklen_t length)
{
    messages->piece[i] = (struct iovec){datagram->buf, datagram->size};
    messages->message[i].msg_hdr = (struct msghdr){
        .msg_name = length > 0 ? &datagram->address : NULL,
        .msg_namelen = length,
        .msg_iov = &messages->piece[i],
        .msg_iovlen = 1,
    };
}

/* A batch costs what its datagrams would have cost one by one, one of which its await pays. */
int64_t udp_batch_pay(const struct trale_udp_batch *batch, int64_t n, struct trale_context *context)
{
    uint64_t cost = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct trale_datagram *datagram = &batch->datagrams[i];
        cost += datagram->segment_size > 0 ? TRALE_UDP_BATCH : 1;
    }
    if (cost > 1)
        trale_context_pay(context, cost - 1);
    return n;
}

/* --- receives ----------------------------------------------------------------------------------------------------- */

static int64_t recv_batch_attempt(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    const struct udp_socket *socket = (struct udp_socket *)batch->socket;
    struct udp_messages *messages = udp_of(socket)->messages;
    uint32_t n_wanted = batch_size(batch);
    for (uint32_t i = 0; i < n_wanted; i++) {
        message_set(messages, i, &batch->datagrams[i], sizeof batch->datagrams[i].address);
        if (socket->gro || socket->info != 0) {
            messages->message[i].msg_hdr.msg_control = &messages->control[i];
            messages->message[i].msg_hdr.msg_controllen = sizeof messages->control[i];
        }
    }
    int n;
    do
        n = recvmmsg(socket->fd, messages->message, n_wanted, MSG_TRUNC | MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++) {
        struct trale_address *address = &batch->datagrams[i].address;
        socklen_t length = messages->message[i].msg_hdr.msg_namelen;
        batch->datagrams[i].length = messages->message[i].msg_len; /* of the datagram, because of MSG_TRUNC */
        batch->datagrams[i].n_sent = 0;
        memset((char *)address + length, 0, sizeof *address - length); /* behind an IPv4 address */
        batch->datagrams[i].segment_size = udp_info_read(socket, &messages->message[i].msg_hdr,
                                                         batch->datagrams[i].info);
    }
    return n < 0 ? -errno : n;
}

struct operation udp_recv_batch_operation(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    return (struct operation){future, (struct udp_socket *)batch->socket, &batch->wait, recv_batch_attempt,
                              TRALE_READABLE};
}

static int64_t recv_batch_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = udp_recv_batch_operation(future);
    if (batch_of(future)->n_datagrams == 0)
        return -EINVAL;
    return udp_batch_pay(batch_of(future), udp_operation_poll(&operation, context), context);
}

static void recv_batch_drop(struct trale_future *future)
{
    const struct operation operation = udp_recv_batch_operation(future);
    udp_operation_drop(&operation);
}

void udp_transfer_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv_batch", recv_batch_poll,
                                                  recv_batch_drop};
    (void)instance;
    batch->future.type = &type;
    udp_operation_init(&batch->future, batch->socket);
}

int64_t udp_transfer_try_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.try_recv_batch");
    const struct operation operation = udp_recv_batch_operation(&batch->future);
    return batch->n_datagrams == 0 ? -EINVAL : udp_operation_try(&operation);
}

/* --- sends -------------------------------------------------------------------------------------------------------- */

/* 0, or what is wrong with the datagram. */
static int message_prepare(const struct udp_socket *socket, struct udp_messages *messages, uint32_t i,
                           struct trale_datagram *datagram)
{
    socklen_t length = trale_address_length(&datagram->address);
    if (length == 0 && datagram->address.any.sa_family != AF_UNSPEC)
        return -EAFNOSUPPORT;
    message_set(messages, i, datagram, length);
    return udp_info_write(socket, datagram->info, datagram->segment_size, &datagram->address,
                          &messages->message[i].msg_hdr, &messages->control[i]);
}

static int64_t message_send(const struct udp_socket *socket, const struct mmsghdr *message)
{
    ssize_t n;
    do
        n = sendmsg(socket->fd, &message->msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 1;
}

/* sendmmsg(2) loses the error of an earlier datagram that comes between two of its messages (BUGS there). A connected
 * socket without TRALE_UDP_ERRORS learns of such errors by its sends and receives alone, so it sends one by one. A
 * datagram that fails is sent again: if it does not fail in the same way again, the error was an earlier one. */
static int64_t messages_send_one_by_one(struct udp_socket *socket, struct udp_messages *messages, uint32_t n_messages)
{
    for (uint32_t i = 0; i < n_messages; i++) {
        int64_t n = message_send(socket, &messages->message[i]);
        if (n > 0)
            continue;
        if (i == 0)
            return n;
        if (!udp_error_is_earlier(n) || n == -EMSGSIZE)
            return i;
        int64_t again = message_send(socket, &messages->message[i]);
        if (again == n)
            return i;
        socket->earlier_error = (int16_t)n;
        udp_socket_wake_all(socket);
        return again > 0 ? i + 1 : i;
    }
    return n_messages;
}

static int64_t messages_send(struct udp_socket *socket, struct udp_messages *messages, uint32_t n_messages)
{
    if (socket->connected && !socket->keeps_errors)
        return messages_send_one_by_one(socket, messages, n_messages);
    int n;
    do
        n = sendmmsg(socket->fd, messages->message, n_messages, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* Sends a datagram piece by piece, from n_sent on; an empty one is a piece too. Returns 1 when all of it was sent. */
static int64_t send_pieces(struct udp_socket *socket, struct trale_datagram *datagram)
{
    struct udp_messages *messages = udp_of(socket)->messages;
    do {
        struct trale_datagram piece = *datagram;
        uint32_t n_pieces = 0;
        uint64_t at = datagram->n_sent;
        do {
            uint64_t rest = datagram->size - at;
            piece.buf = at > 0 ? (char *)datagram->buf + at : datagram->buf; /* may be NULL */
            piece.size = rest < datagram->segment_size ? rest : datagram->segment_size;
            piece.segment_size = 0;
            int r = message_prepare(socket, messages, n_pieces, &piece);
            if (r < 0)
                return r;
            if (messages->message[n_pieces].msg_hdr.msg_name != NULL)
                messages->message[n_pieces].msg_hdr.msg_name = &datagram->address;
            at += piece.size;
            n_pieces++;
        } while (n_pieces < TRALE_UDP_BATCH && at < datagram->size);
        int64_t n = messages_send(socket, messages, n_pieces);
        if (n < 0)
            return n;
        for (int64_t i = 0; i < n; i++)
            datagram->n_sent += messages->piece[i].iov_len;
    } while (datagram->n_sent < datagram->size);
    datagram->n_sent = 0;
    return 1;
}

/* Whether a datagram that could not be sent goes piece by piece: the way out has no checksums, or IPsec (EIO), or the
 * segments do not fit its MTU (EMSGSIZE, in older kernels EINVAL). What is too large altogether, or has too many
 * segments, is refused. */
static bool has_pieces(const struct trale_datagram *datagram, int64_t error)
{
    if (datagram->segment_size == 0)
        return false;
    return error == -EIO || (error == -EMSGSIZE && datagram->size <= UINT16_MAX) ||
           (error == -EINVAL && datagram->size <= (uint64_t)datagram->segment_size * N_SEGMENTS_MAX);
}

/* Whether some of its segments were sent. */
static bool is_begun(const struct trale_datagram *datagram)
{
    return datagram->segment_size > 0 && datagram->n_sent > 0;
}

static int64_t send_batch_attempt(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    struct udp_socket *socket = (struct udp_socket *)batch->socket;
    struct trale_datagram *first = &batch->datagrams[0];
    uint32_t n_ready = 0, n_wanted = batch_size(batch);
    int r = 0;
    if (is_begun(first))
        return first->n_sent < first->size ? send_pieces(socket, first) : -EINVAL;
    /* The datagrams before one that cannot be sent are sent, and so are those before one that was sent in part. */
    while (n_ready < n_wanted && r == 0 && (n_ready == 0 || !is_begun(&batch->datagrams[n_ready]))) {
        r = message_prepare(socket, udp_of(socket)->messages, n_ready, &batch->datagrams[n_ready]);
        n_ready += r == 0;
    }
    if (n_ready == 0)
        return r;
    int64_t n = messages_send(socket, udp_of(socket)->messages, n_ready);
    return has_pieces(first, n) ? send_pieces(socket, first) : n;
}

struct operation udp_send_batch_operation(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    return (struct operation){future, (struct udp_socket *)batch->socket, &batch->wait, send_batch_attempt,
                              TRALE_WRITABLE};
}

static int64_t send_batch_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = udp_send_batch_operation(future);
    if (batch_of(future)->n_datagrams == 0)
        return -EINVAL;
    return udp_batch_pay(batch_of(future), udp_operation_poll(&operation, context), context);
}

static void send_batch_drop(struct trale_future *future)
{
    const struct operation operation = udp_send_batch_operation(future);
    udp_operation_drop(&operation);
}

void udp_transfer_send_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send_batch", send_batch_poll,
                                                  send_batch_drop};
    (void)instance;
    batch->future.type = &type;
    udp_operation_init(&batch->future, batch->socket);
}

int64_t udp_transfer_try_send_batch(void *instance, struct trale_udp_batch *batch)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.try_send_batch");
    const struct operation operation = udp_send_batch_operation(&batch->future);
    return batch->n_datagrams == 0 ? -EINVAL : udp_operation_try(&operation);
}
