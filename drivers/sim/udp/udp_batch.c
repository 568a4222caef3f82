/* SPDX-License-Identifier: MIT
 *
 * Many datagrams at a time, with the order of errors that the kernel's recvmmsg(2) and sendmmsg(2) have. */
#include <errno.h>

#include "udp_info.h"
#include "udp_operation.h"
#include "udp_take.h"
#include "udp_transfer.h"

static struct trale_udp_batch *batch_of(struct trale_future *future)
{
    return (struct trale_udp_batch *)(void *)future;
}

static uint32_t batch_size(const struct trale_udp_batch *batch)
{
    return batch->n_datagrams < TRALE_UDP_BATCH ? (uint32_t)batch->n_datagrams : TRALE_UDP_BATCH;
}

/* A batch costs what its datagrams would have cost one by one, one of which its await pays. */
static int64_t batch_pay(const struct trale_udp_batch *batch, int64_t n, struct trale_context *context)
{
    uint64_t cost = 0;
    for (int64_t i = 0; i < n; i++)
        cost += batch->datagrams[i].segment_size > 0 ? TRALE_UDP_BATCH : 1;
    if (cost > 1)
        trale_context_pay(context, cost - 1);
    return n;
}

/* --- receives ----------------------------------------------------------------------------------------------------- */

static int64_t recv_batch_attempt(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    struct udp_socket *socket = udp_socket_of(batch->socket);
    uint32_t i = 0, n_wanted = batch_size(batch);
    for (; i < n_wanted; i++) {
        struct trale_datagram *datagram = &batch->datagrams[i];
        struct udp_taken taken;
        if (i > 0 && socket->socket->error < 0)
            break; /* it is for the next receive */
        int r = udp_take(socket, datagram->buf, datagram->size, datagram->info, &taken);
        if (r < 0)
            return i > 0 ? (int64_t)i : r;
        datagram->address = taken.from;
        datagram->length = taken.length;
        datagram->segment_size = taken.segment_size;
        datagram->n_sent = 0;
    }
    return i;
}

static struct udp_operation recv_batch_operation(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    return (struct udp_operation){future, udp_socket_of(batch->socket), &batch->wait, recv_batch_attempt, UDP_RECEIVES};
}

static int64_t recv_batch_poll(struct trale_future *future, struct trale_context *context)
{
    const struct udp_operation operation = recv_batch_operation(future);
    if (batch_of(future)->n_datagrams == 0)
        return -EINVAL;
    return batch_pay(batch_of(future), udp_operation_poll(&operation, context), context);
}

static void recv_batch_drop(struct trale_future *future)
{
    const struct udp_operation operation = recv_batch_operation(future);
    udp_operation_drop(&operation);
}

void udp_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv_batch", recv_batch_poll,
                                                  recv_batch_drop};
    (void)instance;
    udp_operation_init(&batch->future, &type, batch->socket);
}

int64_t udp_try_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.try_recv_batch");
    const struct udp_operation operation = recv_batch_operation(&batch->future);
    return batch->n_datagrams == 0 ? -EINVAL : udp_operation_try(&operation);
}

/* --- sends -------------------------------------------------------------------------------------------------------- */

/* Sends bytes of a datagram: all of it, or one segment. As send_datagram. */
static int64_t datagram_send(struct udp_socket *socket, const struct trale_datagram *datagram, uint64_t at,
                             uint64_t size, uint32_t segment_size, bool ignores_error)
{
    struct send send = {.size = size, .segment_size = segment_size};
    if (segment_size > UINT16_MAX)
        return -EINVAL;
    send.bytes = at > 0 ? (const char *)datagram->buf + at : datagram->buf;
    int r = udp_info_write(socket, &datagram->address, datagram->info, &send);
    return r < 0 ? r : send_datagram(socket->udp->program->world, socket->socket, &send, ignores_error);
}

/* Sends a datagram one segment at a time, from n_sent on; an empty one is a segment too. Returns 1 when all of it was
 * sent. */
static int64_t send_pieces(struct udp_socket *socket, struct trale_datagram *datagram)
{
    do {
        uint64_t rest = datagram->size - datagram->n_sent;
        uint64_t size = rest < datagram->segment_size ? rest : datagram->segment_size;
        int64_t n = datagram_send(socket, datagram, datagram->n_sent, size, 0, false);
        if (n < 0)
            return n;
        datagram->n_sent += size;
    } while (datagram->n_sent < datagram->size);
    datagram->n_sent = 0;
    return 1;
}

/* Whether some of its segments were sent. */
static bool is_begun(const struct trale_datagram *datagram)
{
    return datagram->segment_size > 0 && datagram->n_sent > 0;
}

static int64_t send_batch_attempt(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    struct udp_socket *socket = udp_socket_of(batch->socket);
    struct trale_datagram *first = &batch->datagrams[0];
    uint32_t i = 0, n_wanted = batch_size(batch);
    if (is_begun(first))
        return first->n_sent < first->size ? send_pieces(socket, first) : -EINVAL;
    while (i < n_wanted && (i == 0 || !is_begun(&batch->datagrams[i]))) {
        struct trale_datagram *datagram = &batch->datagrams[i];
        /* An error of a datagram of this batch is for the next operation; this send goes all the same. */
        bool has_failed = i > 0 && socket->socket->error < 0;
        int64_t n = datagram_send(socket, datagram, 0, datagram->size, datagram->segment_size, has_failed);
        if (n == -EIO && i == 0)
            return send_pieces(socket, datagram);
        if (n < 0)
            return i > 0 ? (int64_t)i : n;
        i++;
        if (has_failed)
            break;
    }
    return i;
}

static struct udp_operation send_batch_operation(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    return (struct udp_operation){future, udp_socket_of(batch->socket), &batch->wait, send_batch_attempt, UDP_SENDS};
}

static int64_t send_batch_poll(struct trale_future *future, struct trale_context *context)
{
    const struct udp_operation operation = send_batch_operation(future);
    if (batch_of(future)->n_datagrams == 0)
        return -EINVAL;
    return batch_pay(batch_of(future), udp_operation_poll(&operation, context), context);
}

static void send_batch_drop(struct trale_future *future)
{
    const struct udp_operation operation = send_batch_operation(future);
    udp_operation_drop(&operation);
}

void udp_send_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send_batch", send_batch_poll,
                                                  send_batch_drop};
    (void)instance;
    udp_operation_init(&batch->future, &type, batch->socket);
}

int64_t udp_try_send_batch(void *instance, struct trale_udp_batch *batch)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.try_send_batch");
    const struct udp_operation operation = send_batch_operation(&batch->future);
    return batch->n_datagrams == 0 ? -EINVAL : udp_operation_try(&operation);
}
