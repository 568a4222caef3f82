/* SPDX-License-Identifier: MIT
 *
 * Many datagrams at a time: recvmmsg(2) and sendmmsg(2), and, where a buffer holds several datagrams, segmentation by
 * the kernel (UDP_SEGMENT and UDP_GRO, udp(7)). The kernel's array of messages is made anew on the stack for each
 * attempt; what the application keeps is its own array of datagrams. */
#include <netinet/udp.h>

#include "udp_address.h"
#include "udp_operation.h"
#include "udp_transfer.h"

#ifndef UDP_SEGMENT /* <netinet/udp.h> of before glibc 2.34 */
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

/* A control message with room for one number. */
union control {
    struct cmsghdr header; /* aligns */
    char bytes[CMSG_SPACE(sizeof(int))];
};

struct messages {
    struct mmsghdr message[TRALE_UDP_BATCH];
    struct iovec piece[TRALE_UDP_BATCH];
    union control control[TRALE_UDP_BATCH];
};

static struct trale_udp_batch *batch_of(struct trale_future *future)
{
    return (struct trale_udp_batch *)(void *)future;
}

static uint32_t batch_size(const struct trale_udp_batch *batch)
{
    return batch->n_datagrams < TRALE_UDP_BATCH ? (uint32_t)batch->n_datagrams : TRALE_UDP_BATCH;
}

static void message_set(struct messages *messages, uint32_t i, struct trale_datagram *datagram, socklen_t length)
{
    messages->piece[i] = (struct iovec){datagram->buf, datagram->size};
    messages->message[i].msg_hdr = (struct msghdr){
        .msg_name = length > 0 ? &datagram->address : NULL,
        .msg_namelen = length,
        .msg_iov = &messages->piece[i],
        .msg_iovlen = 1,
    };
}

/* A batch costs what its datagrams would have cost one by one, one of which the await pays. */
static int64_t batch_pay(const struct trale_udp_batch *batch, int64_t n, struct trale_context *context)
{
    uint64_t cost = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct trale_datagram *datagram = &batch->datagrams[i];
        cost += datagram->segment_size > 0 ? TRALE_UDP_BATCH : 1;
    }
    if (cost > 1)
        context->budget = context->budget > cost ? context->budget - (uint32_t)(cost - 1) : 1;
    return n;
}

/* --- receives ----------------------------------------------------------------------------------------------------- */

/* How many bytes each of the datagrams has that the kernel put together; 0: it is one. */
static uint32_t segment_size(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
            continue;
        int size;
        memcpy(&size, CMSG_DATA(c), sizeof size);
        return size > 0 ? (uint32_t)size : 0;
    }
    return 0;
}

static int64_t recv_batch_attempt(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    const struct udp_socket *socket = (struct udp_socket *)batch->socket;
    struct messages messages;
    uint32_t n_wanted = batch_size(batch);
    for (uint32_t i = 0; i < n_wanted; i++) {
        message_set(&messages, i, &batch->datagrams[i], sizeof batch->datagrams[i].address);
        if (socket->gro) {
            messages.message[i].msg_hdr.msg_control = &messages.control[i];
            messages.message[i].msg_hdr.msg_controllen = sizeof messages.control[i];
        }
    }
    int n;
    do
        n = recvmmsg(socket->fd, messages.message, n_wanted, MSG_TRUNC | MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    for (int i = 0; i < n; i++) {
        batch->datagrams[i].length = messages.message[i].msg_len; /* of the datagram, because of MSG_TRUNC */
        batch->datagrams[i].segment_size = socket->gro ? segment_size(&messages.message[i].msg_hdr) : 0;
    }
    return n < 0 ? -errno : n;
}

static struct operation recv_batch_operation(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    return (struct operation){future, (struct udp_socket *)batch->socket, &batch->wait, batch->driver,
                              recv_batch_attempt};
}

static int64_t recv_batch_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = recv_batch_operation(future);
    if (batch_of(future)->n_datagrams == 0)
        return -EINVAL;
    return batch_pay(batch_of(future), udp_operation_recv(&operation, context), context);
}

static void recv_batch_drop(struct trale_future *future)
{
    const struct operation operation = recv_batch_operation(future);
    udp_operation_end(&operation);
}

void udp_transfer_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv_batch", recv_batch_poll,
                                                  recv_batch_drop};
    (void)instance;
    batch->future.type = &type;
}

int64_t udp_transfer_try_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    (void)instance;
    return batch->n_datagrams == 0 ? -EINVAL : recv_batch_attempt(&batch->future);
}

/* --- sends -------------------------------------------------------------------------------------------------------- */

/* 0, or what is wrong with the datagram. */
static int message_prepare(struct messages *messages, uint32_t i, struct trale_datagram *datagram)
{
    socklen_t length = udp_address_length(&datagram->address);
    if (length == 0 && datagram->address.any.sa_family != AF_UNSPEC)
        return -EAFNOSUPPORT;
    message_set(messages, i, datagram, length);
    if (datagram->segment_size == 0)
        return 0;
    if (datagram->segment_size > UINT16_MAX)
        return -EINVAL;
    uint16_t segment = (uint16_t)datagram->segment_size;
    struct msghdr *message = &messages->message[i].msg_hdr;
    message->msg_control = &messages->control[i];
    message->msg_controllen = CMSG_SPACE(sizeof segment);
    memset(&messages->control[i], 0, sizeof messages->control[i]);
    messages->control[i].header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof segment), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT};
    memcpy(CMSG_DATA(&messages->control[i].header), &segment, sizeof segment);
    return 0;
}

static int64_t send_batch_attempt(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    struct messages messages;
    uint32_t n_ready = 0, n_wanted = batch_size(batch);
    int r = 0;
    /* What stands before a datagram that cannot be sent is sent. */
    while (n_ready < n_wanted && r == 0) {
        r = message_prepare(&messages, n_ready, &batch->datagrams[n_ready]);
        n_ready += r == 0;
    }
    if (n_ready == 0)
        return r;
    int n;
    do
        n = sendmmsg(((struct udp_socket *)batch->socket)->fd, messages.message, n_ready, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static struct operation send_batch_operation(struct trale_future *future)
{
    struct trale_udp_batch *batch = batch_of(future);
    return (struct operation){future, (struct udp_socket *)batch->socket, &batch->wait, batch->driver,
                              send_batch_attempt};
}

static int64_t send_batch_poll(struct trale_future *future, struct trale_context *context)
{
    const struct operation operation = send_batch_operation(future);
    if (batch_of(future)->n_datagrams == 0)
        return -EINVAL;
    return batch_pay(batch_of(future), udp_operation_send(&operation, context), context);
}

static void send_batch_drop(struct trale_future *future)
{
    const struct operation operation = send_batch_operation(future);
    udp_operation_end(&operation);
}

void udp_transfer_send_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send_batch", send_batch_poll,
                                                  send_batch_drop};
    (void)instance;
    batch->future.type = &type;
}

int64_t udp_transfer_try_send_batch(void *instance, struct trale_udp_batch *batch)
{
    (void)instance;
    return batch->n_datagrams == 0 ? -EINVAL : send_batch_attempt(&batch->future);
}
