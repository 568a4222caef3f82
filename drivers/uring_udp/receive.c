/* SPDX-License-Identifier: MIT
 *
 * A receive takes the oldest datagram of its socket's lane; if there is none, it waits there. It goes to the kernel
 * itself, and waits by the reactor, where completions do not serve the socket, and while too few buffers are left to
 * begin a lane: what the lane has then comes first, for it is older. */
#include "receive.h"

#include "lane.h"
#include "transfer.h"

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

/* Where the parts of a datagram are that the kernel has written. */
struct parts {
    const struct io_uring_recvmsg_out *out;
    const struct trale_address *from;
    const void *bytes;
    uint32_t length;
};

static struct parts parts_of(struct buffers *buffers, uint32_t buffer)
{
    const struct held *held = &buffers->held[buffer];
    char *start = buffers_at(buffers, buffer);
    const struct io_uring_recvmsg_out *out = (const void *)start;
    return (struct parts){out, (const void *)(out + 1), start + held->head, (uint32_t)held->size - held->head};
}

/* Copies the sender, whose rest is zero, and up to `room` bytes. Returns how many. */
static uint64_t parts_copy(const struct parts *parts, struct trale_address *from, void *buf, uint64_t room)
{
    size_t from_length = parts->out->namelen < sizeof *from ? parts->out->namelen : sizeof *from;
    uint64_t n = parts->length < room ? parts->length : room;
    memcpy(from, parts->from, from_length);
    memset((char *)from + from_length, 0, sizeof *from - from_length);
    if (n > 0)
        memcpy(buf, parts->bytes, n);
    return n;
}

static uint32_t parts_info(const struct udp_socket *socket, const struct parts *parts, struct trale_udp_info *info)
{
    struct msghdr message = {.msg_control = (char *)(uintptr_t)parts->from + BUFFER_NAME,
                             .msg_controllen = parts->out->controllen};
    return udp_info_read(socket, &message, info);
}

/* The lane, if it has a datagram; else, if it has an error, *error is that; else NULL. */
static struct lane *lane_with_datagram(const struct udp_socket *socket, int64_t *error)
{
    struct lane *lane = lane_of(uring_of(socket), socket);
    *error = -EAGAIN;
    if (lane == NULL || lane->n_held > 0)
        return lane;
    if (lane->error != 0)
        *error = lane->error;
    lane->error = 0;
    return NULL;
}

static int64_t take_datagram(struct trale_future *future)
{
    struct trale_udp_recv *recv = (struct trale_udp_recv *)(void *)future;
    const struct udp_socket *socket = (struct udp_socket *)recv->socket;
    int64_t error;
    if (socket->gro)
        return -EOPNOTSUPP;
    struct lane *lane = lane_with_datagram(socket, &error);
    if (lane == NULL)
        return error;
    struct buffers *buffers = &lane->uring->buffers;
    uint32_t buffer = (uint32_t)lane_take(lane);
    struct parts parts = parts_of(buffers, buffer);
    int64_t n = (int64_t)parts_copy(&parts, &recv->from, recv->buf, recv->size);
    recv->length = parts.length;
    recv->truncated = recv->length > recv->size;
    if (recv->info != NULL)
        parts_info(socket, &parts, recv->info);
    buffers_lend(buffers, buffer);
    lane_wake(lane);
    return n;
}

static int64_t take_datagrams(struct trale_future *future)
{
    struct trale_udp_batch *batch = (struct trale_udp_batch *)(void *)future;
    const struct udp_socket *socket = (struct udp_socket *)batch->socket;
    int64_t error, n = 0;
    struct lane *lane = lane_with_datagram(socket, &error);
    if (lane == NULL)
        return error;
    struct buffers *buffers = &lane->uring->buffers;
    for (int buffer; n < TRALE_UDP_BATCH && n < (int64_t)batch->n_datagrams && (buffer = lane_take(lane)) >= 0; n++) {
        struct trale_datagram *datagram = &batch->datagrams[n];
        struct parts parts = parts_of(buffers, (uint32_t)buffer);
        parts_copy(&parts, &datagram->address, datagram->buf, datagram->size);
        datagram->length = parts.length;
        datagram->n_sent = 0;
        datagram->segment_size = parts_info(socket, &parts, datagram->info);
        buffers_lend(buffers, (uint32_t)buffer);
    }
    lane_wake(lane);
    return n;
}

/* --- futures ------------------------------------------------------------------------------------------------------ */

/* A receive: as an operation of drivers/udp, whose attempt asks the kernel, and how it takes from the lane. */
struct receive {
    struct operation operation;
    int64_t (*take)(struct trale_future *future);
    int64_t (*ask)(struct trale_future *future);
    bool begins; /* it begins a lane where there is none: a batch is one system call for many datagrams already */
};

static int64_t recv_either(struct trale_future *future)
{
    int64_t n = take_datagram(future);
    return n != -EAGAIN ? n : udp_recv_operation(future).attempt(future);
}

static int64_t recv_batch_either(struct trale_future *future)
{
    int64_t n = take_datagrams(future);
    return n != -EAGAIN ? n : udp_recv_batch_operation(future).attempt(future);
}

static struct receive receive_of(struct trale_future *future)
{
    return (struct receive){udp_recv_operation(future), take_datagram, recv_either, true};
}

static struct receive receive_batch_of(struct trale_future *future)
{
    return (struct receive){udp_recv_batch_operation(future), take_datagrams, recv_batch_either, false};
}

static bool lane_is_on(const struct lane *lane)
{
    return lane != NULL && (lane->state == LANE_QUEUED || lane->state == LANE_ARMED);
}

/* Whether the operation waits in the lane: the kernel leaves the lane some buffers, or it is on its way already. */
static bool lane_is_for(const struct receive *receive)
{
    const struct udp_socket *socket = receive->operation.socket;
    const struct uring *uring = uring_of(socket);
    if (!uring_serves(socket) || socket->end < 0)
        return false;
    if (lane_is_on(lane_of(uring, socket)))
        return true;
    return receive->begins && uring->buffers.n_held <= uring->buffers.n_buffers / 4 * 3;
}

/* Hands the lane over if it is queued, and takes what is complete. */
static void lane_look(struct uring *uring, const struct udp_socket *socket)
{
    const struct lane *lane = lane_of(uring, socket);
    if (lane != NULL && lane->state == LANE_QUEUED)
        ring_turn(&uring->ring);
    else
        ring_reap(&uring->ring);
}

/* By the reactor, after what the lane has. */
static int64_t receive_by_reactor(struct receive *receive, struct trale_context *context)
{
    receive->operation.attempt = receive->ask;
    return udp_operation_poll(&receive->operation, context);
}

static int64_t receive_poll(struct receive *receive, struct trale_context *context)
{
    struct operation *operation = &receive->operation;
    if (operation_is_cancelled(operation))
        return -ECANCELED;
    struct udp_socket *socket = operation->socket;
    struct uring *uring = uring_of(socket);
    bool waited = uring_operation_state(operation) == OPERATION_IN_LANE;
    if (waited) {
        operation->wait->waker = context->waker;
        if (!trale_context_may_resolve(context))
            return TRALE_PENDING;
        lane_end_wait(lane_of(uring, socket), operation, false);
    }
    if (!lane_is_for(receive))
        return receive_by_reactor(receive, context);
    udp_operation_drop(operation);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    operation->attempt = receive->take;
    int64_t n = udp_operation_try(operation);
    if (n == -EAGAIN && waited) { /* not its first poll: it looks */
        lane_look(uring, socket);
        n = udp_operation_try(operation);
    }
    if (n != -EAGAIN)
        return n;
    if (!lane_is_for(receive))
        return receive_by_reactor(receive, context);
    int r = lane_wait(uring, operation, context);
    return r < 0 ? r : TRALE_PENDING;
}

static void receive_drop(const struct receive *receive)
{
    const struct operation *operation = &receive->operation;
    if (operation_is_cancelled(operation))
        return;
    struct lane *lane = lane_of(uring_of(operation->socket), operation->socket);
    if (uring_operation_state(operation) == OPERATION_IN_LANE)
        lane_end_wait(lane, operation, true);
    else
        udp_operation_drop(operation);
}

static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
{
    struct receive receive = receive_of(future);
    return receive_poll(&receive, context);
}

static void recv_drop(struct trale_future *future)
{
    const struct receive receive = receive_of(future);
    receive_drop(&receive);
}

static int64_t recv_batch_poll(struct trale_future *future, struct trale_context *context)
{
    struct receive receive = receive_batch_of(future);
    const struct trale_udp_batch *batch = (struct trale_udp_batch *)(void *)future;
    if (batch->n_datagrams == 0)
        return -EINVAL;
    return udp_batch_pay(batch, receive_poll(&receive, context), context);
}

static void recv_batch_drop(struct trale_future *future)
{
    const struct receive receive = receive_batch_of(future);
    receive_drop(&receive);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

void uring_recv(void *instance, struct trale_udp_recv *recv)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv", recv_poll, recv_drop};
    (void)instance;
    recv->future.type = &type;
    udp_operation_init(&recv->future, recv->socket);
}

void uring_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_recv_batch", recv_batch_poll,
                                                  recv_batch_drop};
    (void)instance;
    batch->future.type = &type;
    udp_operation_init(&batch->future, batch->socket);
}

/* What is complete comes before what the kernel has. */
static int64_t receive_try(struct uring *uring, struct receive *receive)
{
    receive->operation.attempt = receive->ask;
    if (lane_of(uring, receive->operation.socket) != NULL)
        ring_reap(&uring->ring);
    return udp_operation_try(&receive->operation);
}

int64_t uring_try_recv(void *instance, struct trale_udp_recv *recv)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.try_recv");
    struct receive receive = receive_of(&recv->future);
    return receive_try(instance, &receive);
}

int64_t uring_try_recv_batch(void *instance, struct trale_udp_batch *batch)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.try_recv_batch");
    struct receive receive = receive_batch_of(&batch->future);
    return batch->n_datagrams == 0 ? -EINVAL : receive_try(instance, &receive);
}
