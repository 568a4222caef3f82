/* SPDX-License-Identifier: MIT
 *
 * A send has a slot from its first poll until the end of the turn, in which the kernel takes its datagram or answers
 * EAGAIN, because it has MSG_DONTWAIT: no send is with the kernel while tasks run. So a send that is dropped before has
 * sent nothing, and its datagram need not be copied. Where no other task is runnable, there is nothing to hand over
 * together, and it goes at once. One that finds no room waits by the reactor, as in drivers/udp. */
#include "send.h"

#include <stdlib.h>
#include <unistd.h>

#include "transfer.h"

struct slot {
    struct ring_job job;
    struct uring *uring;
    struct trale_udp_send *send; /* NULL: the slot is free */
    struct udp_message message;  /* of a send that is not plain */
};

static struct slot *slot_of(struct ring_job *job)
{
    return (struct slot *)(void *)job; /* its first member */
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

/* It is the first to be used again, for the caches have it. */
static void slot_free(struct slot *slot)
{
    slot->send = NULL;
    slot->uring->n_used_slots--;
    list_append(slot->uring->free_slots.next, &slot->job.link); /* before the first one */
}

/* Ends the send, with a result in its state OPERATION_SENT. */
static void slot_end(struct slot *slot, enum uring_operation_state state, int32_t result)
{
    struct trale_udp_send *send = slot->send;
    const struct operation operation = udp_send_operation(&send->future);
    operation_set_state(&operation, (enum operation_state)state);
    send->wait.fd = result;
    send->wait.link.next = NULL;
    slot_free(slot);
    send->wait.waker->table->wake_by_ref(send->wait.waker);
}

/* Whether the kernel takes the send as it is, for which it copies less. A length that is no datagram's is negative for
 * some kernels there. */
static bool send_is_plain(const struct uring *uring, const struct trale_udp_send *send)
{
    return uring->sends_to && send->info == NULL && send->size <= BUFFER_DATAGRAM_MAX;
}

static void slot_submit(struct ring_job *job, struct io_uring_sqe *entry)
{
    struct slot *slot = slot_of(job);
    const struct trale_udp_send *send = slot->send;
    const struct udp_socket *socket = (const struct udp_socket *)send->socket;
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (send_is_plain(slot->uring, send)) {
        socklen_t to_size = trale_address_length(&send->to);
        io_uring_prep_send(entry, socket->fd, send->buf, send->size, flags);
        if (to_size > 0)
            io_uring_prep_send_set_addr(entry, &send->to.any, (uint16_t)to_size);
    } else {
        io_uring_prep_sendmsg(entry, socket->fd, &slot->message.header, flags);
    }
    io_uring_sqe_set_data(entry, slot);
    slot->uring->ring.n_prompt++;
}

static void slot_retract(struct ring_job *job)
{
    slot_of(job)->uring->ring.n_prompt--;
}

static void slot_complete(struct ring_job *job, int32_t result, uint32_t flags)
{
    struct slot *slot = slot_of(job);
    (void)flags;
    slot->uring->ring.n_prompt--;
    slot_end(slot, OPERATION_SENT, result);
}

static void slot_refuse(struct ring_job *job)
{
    slot_end(slot_of(job), (enum uring_operation_state)OPERATION_IDLE, 0);
}

/* Older kernels take no address: EINVAL. The others refuse out-of-band data, so nothing is sent. */
static bool kernel_sends_to(struct ring *ring)
{
    static const struct sockaddr_in to = {.sin_family = AF_INET};
    struct io_uring_cqe *completion;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), result = -EINVAL;
    if (fd < 0)
        return false;
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);
    io_uring_prep_send(entry, fd, &to, sizeof to, MSG_OOB | MSG_DONTWAIT);
    io_uring_prep_send_set_addr(entry, (const struct sockaddr *)&to, sizeof to);
    io_uring_sqe_set_data(entry, NULL);
    if (io_uring_submit(&ring->uring) == 1 && io_uring_wait_cqe(&ring->uring, &completion) == 0) {
        result = completion->res;
        io_uring_cqe_seen(&ring->uring, completion);
    }
    close(fd);
    return result == -EOPNOTSUPP;
}

int send_init(struct uring *uring, uint32_t n_slots)
{
    uring->sends_to = kernel_sends_to(&uring->ring);
    list_init(&uring->free_slots);
    uring->slots = calloc(n_slots, sizeof *uring->slots);
    if (uring->slots == NULL)
        return -ENOMEM;
    uring->n_slots = n_slots;
    for (uint32_t i = 0; i < n_slots; i++) {
        struct slot *slot = &uring->slots[i];
        *slot = (struct slot){
            .job = {.submit = slot_submit, .retract = slot_retract, .complete = slot_complete, .refuse = slot_refuse},
            .uring = uring};
        list_append(&uring->free_slots, &slot->job.link);
    }
    return 0;
}

void send_deinit(struct uring *uring)
{
    free(uring->slots);
}

void send_close(struct uring *uring, const struct udp_socket *socket)
{
    for (uint32_t i = 0; i < uring->n_slots && uring->n_used_slots > 0; i++) {
        struct slot *slot = &uring->slots[i];
        if (slot->send == NULL || (struct udp_socket *)slot->send->socket != socket)
            continue;
        list_remove(&slot->job.link);
        slot_end(slot, (enum uring_operation_state)OPERATION_IDLE, 0);
    }
}

/* --- futures ------------------------------------------------------------------------------------------------------ */

/* Where the send's slot is kept while it has one. */
static struct slot *send_slot(const struct trale_udp_send *send)
{
    return (struct slot *)(void *)send->wait.link.next;
}

/* 0: the send is queued. 1: there is no slot, because the kernel takes nothing now. Or what is wrong with it. */
static int send_queue(struct uring *uring, struct trale_udp_send *send, const struct trale_context *context)
{
    if (list_is_empty(&uring->free_slots))
        ring_turn(&uring->ring);
    if (list_is_empty(&uring->free_slots) || uring->ring.refused)
        return 1;
    struct slot *slot = list_entry(uring->free_slots.next, struct slot, job.link);
    int r = send_is_plain(uring, send) ? udp_send_address_size(send) : udp_send_message(send, &slot->message);
    if (r < 0)
        return r;
    list_remove(&slot->job.link);
    uring->n_used_slots++;
    slot->send = send;
    send->wait.waker = context->waker;
    send->wait.link.next = (struct trale_link *)(void *)slot;
    ring_queue(&uring->ring, &slot->job);
    const struct operation operation = udp_send_operation(&send->future);
    operation_set_state(&operation, (enum operation_state)OPERATION_IN_SLOT);
    return 0;
}

/* Whether other sends may be handed over in the same turn. */
static bool send_has_company(const struct uring *uring)
{
    const struct trale_host *host = &uring->udp.host;
    return uring->n_used_slots > 0 || host->is_idle == NULL || host->is_idle(host->context) == 0;
}

/* A result is kept until the task may take it. */
static int64_t send_answer(struct trale_udp_send *send, const struct operation *operation,
                           struct trale_context *context)
{
    int64_t n = send->wait.fd;
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    operation_set_state(operation, OPERATION_IDLE);
    return n >= 0 ? n : udp_operation_answer(operation, n, context);
}

/* The first poll. */
static int64_t send_begin(struct trale_udp_send *send, const struct operation *operation, struct trale_context *context)
{
    const struct udp_socket *socket = operation->socket;
    struct uring *uring = uring_of(socket);
    if (!uring_serves(socket) || socket->earlier_error < 0 || !send_has_company(uring))
        return udp_operation_poll(operation, context);
    if (!trale_context_may_resolve(context))
        return TRALE_PENDING;
    int r = send_queue(uring, send, context);
    if (r > 0)
        return udp_operation_poll(operation, context);
    return r < 0 ? r : TRALE_PENDING;
}

static int64_t send_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_udp_send *send = (struct trale_udp_send *)(void *)future;
    const struct operation operation = udp_send_operation(future);
    if (operation_is_cancelled(&operation))
        return -ECANCELED;
    struct uring *uring = uring_of(operation.socket);
    if (uring_operation_state(&operation) == OPERATION_IN_SLOT) { /* polled again in the same turn: it looks */
        send->wait.waker = context->waker;
        ring_turn(&uring->ring);
    }
    switch (uring_operation_state(&operation)) {
    case OPERATION_IN_SLOT:
        return TRALE_PENDING;
    case OPERATION_SENT:
        return send_answer(send, &operation, context);
    case OPERATION_IDLE:
        return send_begin(send, &operation, context);
    default:
        return udp_operation_poll(&operation, context);
    }
}

static void send_drop(struct trale_future *future)
{
    struct trale_udp_send *send = (struct trale_udp_send *)(void *)future;
    const struct operation operation = udp_send_operation(future);
    if (operation_is_cancelled(&operation))
        return;
    uint32_t state = uring_operation_state(&operation);
    if (state == OPERATION_IN_SLOT) {
        struct slot *slot = send_slot(send);
        list_remove(&slot->job.link);
        slot_free(slot);
    } else if (state != OPERATION_SENT) {
        udp_operation_drop(&operation);
    }
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

void uring_send(void *instance, struct trale_udp_send *send)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send", send_poll, send_drop};
    (void)instance;
    send->future.type = &type;
    udp_operation_init(&send->future, send->socket);
}

/* What goes to the kernel now goes after what was queued before. */
static void send_queued_first(struct uring *uring)
{
    if (uring->n_used_slots > 0)
        ring_turn(&uring->ring);
}

static int64_t send_batch_poll(struct trale_future *future, struct trale_context *context)
{
    const struct trale_udp_batch *batch = (struct trale_udp_batch *)(void *)future;
    const struct operation operation = udp_send_batch_operation(future);
    if (batch->n_datagrams == 0)
        return -EINVAL;
    if (!operation_is_cancelled(&operation))
        send_queued_first(uring_of(operation.socket));
    return udp_batch_pay(batch, udp_operation_poll(&operation, context), context);
}

static void send_batch_drop(struct trale_future *future)
{
    const struct operation operation = udp_send_batch_operation(future);
    udp_operation_drop(&operation);
}

void uring_send_batch(void *instance, struct trale_udp_batch *batch)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_udp_send_batch", send_batch_poll,
                                                  send_batch_drop};
    (void)instance;
    batch->future.type = &type;
    udp_operation_init(&batch->future, batch->socket);
}

int64_t uring_try_send(void *instance, struct trale_udp_send *send)
{
    send_queued_first(instance);
    return udp_transfer_try_send(instance, send);
}

int64_t uring_try_send_batch(void *instance, struct trale_udp_batch *batch)
{
    send_queued_first(instance);
    return udp_transfer_try_send_batch(instance, batch);
}
