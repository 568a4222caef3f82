/* SPDX-License-Identifier: MIT */
#include "conversation.h"

#include <stdlib.h>

#include <trale/udp_socket.h>

#include "netascii.h"

/* Datagrams up to this size are sent as segments of one: they fit an Ethernet. */
#define SEGMENT_MAX 1472u
#define SEGMENTS_SIZE_MAX 65507u

int conversation_init(struct conversation *c, struct transfer_setup *setup, size_t bytes_size)
{
    const size_t window_size = setup->is_sender ? transfer_window_size(setup) : 0;
    const uint32_t blksize = (setup->options.have & TFTP_BLKSIZE) != 0 ? setup->options.blksize : TFTP_BLKSIZE_DEFAULT;
    c->datagram_size = TFTP_HEADER + blksize + 1; /* one byte more shows a block that is too long */
    if (setup->is_sender || c->datagram_size < TFTP_REQUEST_MAX)
        c->datagram_size = TFTP_REQUEST_MAX;
    c->bytes_size = bytes_size > blksize + 1 ? bytes_size : blksize + 1;
    c->memory = malloc(window_size + c->datagram_size + c->bytes_size * (c->use == CONVERSATION_COMPARE ? 2 : 1));
    if (c->memory == NULL)
        return -ENOMEM;
    setup->window = c->memory;
    c->datagram = c->memory + window_size;
    c->bytes = c->datagram + c->datagram_size;
    c->others = c->bytes + c->bytes_size;
    return 0;
}

void conversation_deinit(struct conversation *c)
{
    free(c->memory);
    c->memory = NULL;
}

void conversation_cancel(struct conversation *c, const char *message, int result)
{
    struct transfer *t = &c->transfer;
    t->setup.dally_ns = 0;
    if (t->state == TRANSFER_DALLIES)
        transfer_gone(t, result);
    else if (t->state != TRANSFER_STORES)
        transfer_fail(t, TFTP_UNDEFINED, message, result);
    if (c->waiting != NULL)
        (void)trale_sleep_reset(&c->waiting->sleep, 0);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

/* An error that comes from somewhere on the way, and may pass: the datagram is lost. */
static bool is_passing(int64_t r)
{
    return r == -EHOSTUNREACH || r == -ENETUNREACH || r == -ENETDOWN || r == -EHOSTDOWN || r == -ENOBUFS || r == -EPERM;
}

/* Whether a block that follows the last datagram in memory can be sent as a segment of it. */
static bool is_segment(const struct trale_datagram *last, const uint8_t *block, size_t size, uint32_t segment_size)
{
    return segment_size <= SEGMENT_MAX && (uint8_t *)last->buf + last->size == block &&
           last->size % segment_size == 0 && last->size / segment_size < 64 && size <= segment_size &&
           last->size + size <= SEGMENTS_SIZE_MAX;
}

/* Takes what the transfer has to send. */
static void collect(struct converse *self, uint64_t now_ns)
{
    struct conversation *c = self->conversation;
    const uint32_t segment_size = TFTP_HEADER + c->transfer.options.blksize;
    const void *packet;
    size_t size;
    self->n_sent = self->n_datagrams = 0;
    while (self->n_datagrams < CONVERSATION_BATCH && (packet = transfer_output(&c->transfer, now_ns, &size)) != NULL) {
        struct trale_datagram *last = self->n_datagrams > 0 ? &self->datagrams[self->n_datagrams - 1] : NULL;
        if (last != NULL && is_segment(last, packet, size, segment_size)) {
            last->size += size;
            last->segment_size = segment_size;
            continue;
        }
        self->datagrams[self->n_datagrams++] = (struct trale_datagram){
            .buf = (void *)(uintptr_t)packet,
            .size = size,
            .address = c->has_peer ? (struct trale_address){.any.sa_family = AF_UNSPEC} : c->peer};
    }
}

/* The first answer comes from a port that the server has chosen for this transfer. */
static bool is_first_answer(const struct conversation *c, const struct trale_address *from)
{
    struct trale_address address = c->peer;
    trale_address_set_port(&address, trale_address_port(from));
    return !c->has_peer && trale_address_equal(&address, from);
}

/* Nothing is done if the ERROR cannot be sent at once. */
static void refuse_stranger(const struct conversation *c, const struct trale_address *from)
{
    struct trale_udp_send send;
    uint8_t error[TFTP_REQUEST_MAX];
    size_t size = tftp_write_error(error, TFTP_STRANGER, "unknown transfer id");
    (void)trale_udp_try_send_to(&send, c->socket, error, size, from);
}

/* What was received may be a packet of the peer. It may bring bytes of the file, for which there is room. */
static void take(struct conversation *c, const struct trale_udp_recv *recv, uint64_t now_ns)
{
    struct transfer *t = &c->transfer;
    struct tftp_packet packet;
    const size_t size = recv->length < recv->size ? recv->length : recv->size;
    const bool is_first = is_first_answer(c, &recv->from);
    if (tftp_read(&packet, c->datagram, size) < 0)
        return;
    if (!is_first && !(c->has_peer && trale_address_equal(&recv->from, &c->peer))) {
        if (packet.opcode != TFTP_ERROR)
            refuse_stranger(c, &recv->from);
        return;
    }
    c->n_heard++;
    const bool has_data = transfer_input(t, &packet, now_ns);
    if (is_first && t->state != TRANSFER_ASKS) {
        c->peer = recv->from;
        c->has_peer = trale_udp_connect(c->socket, &c->peer) == 0;
        if (!c->has_peer)
            transfer_fail(t, TFTP_UNDEFINED, "not connected", -ENETUNREACH);
    }
    if (!has_data)
        return;
    size_t n = packet.size;
    if (t->setup.mode == TFTP_NETASCII)
        n = netascii_decode(c->bytes + c->n, packet.data, packet.size, &c->has_cr);
    else
        memcpy(c->bytes + c->n, packet.data, packet.size);
    if (t->state == TRANSFER_STORES && c->has_cr)
        n += netascii_decode(c->bytes + c->n + n, NULL, 0, &c->has_cr);
    c->n += n;
    c->n_bytes += n;
    if (c->use == CONVERSATION_WRITE && c->n_bytes > c->file_size)
        transfer_fail(t, TFTP_FULL, "file too large", -EFBIG);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static bool has_room(const struct conversation *c)
{
    return c->bytes_size - c->n > c->transfer.options.blksize;
}

static size_t n_to_read(const struct conversation *c)
{
    const uint64_t left = c->offset < c->file_size ? c->file_size - c->offset : 0;
    return left < c->bytes_size ? (size_t)left : c->bytes_size;
}

/* Bytes of the file have been read; none, where there should be some: it has become shorter. */
static void give(struct conversation *c, int64_t r)
{
    if (r <= 0) {
        transfer_fail(&c->transfer, TFTP_UNDEFINED, "the file cannot be read", r < 0 ? (int)r : -EIO);
        return;
    }
    c->at = 0;
    c->n = (size_t)r;
    c->offset += (uint64_t)r;
}

/* The result of a write, or of a read for comparison, of bytes[at..n). */
static void moved(struct conversation *c, int64_t r)
{
    struct transfer *t = &c->transfer;
    if (r == -ENOSPC || r == -EDQUOT || r == -EFBIG) {
        transfer_fail(t, TFTP_FULL, "disk full", (int)r);
    } else if (r < 0) {
        transfer_fail(t, TFTP_UNDEFINED, "the file cannot be written", (int)r);
    } else if (c->use == CONVERSATION_COMPARE && (r == 0 || memcmp(c->bytes + c->at, c->others, (size_t)r) != 0)) {
        transfer_fail(t, TFTP_UNDEFINED, "the files differ", -EILSEQ);
    } else {
        c->at += (size_t)r;
        c->offset += (uint64_t)r;
    }
}

trale_async(conversation_flush)
{
    struct conversation *c = self->conversation;
    trale_begin();
    for (c->at = 0; c->at < c->n && c->transfer.state != TRANSFER_ENDED;) {
        if (c->use == CONVERSATION_WRITE)
            trale_await(trale_file_write(&self->file, c->file, c->bytes + c->at, c->n - c->at, c->offset));
        else
            trale_await(trale_file_read(&self->file, c->file, c->others, c->n - c->at, c->offset));
        moved(c, trale_result());
    }
    c->at = c->n = 0;
    trale_return(0);
}

/* --- the task ----------------------------------------------------------------------------------------------------- */

trale_async_extern(converse)
{
    struct conversation *c = self->conversation;
    struct transfer *t = &c->transfer;
    trale_begin();
    for (;;) {
        while (c->use == CONVERSATION_READ && transfer_wants(t)) {
            if (c->at == c->n && c->offset < c->file_size) {
                trale_await(trale_file_read(&self->file, c->file, c->bytes, n_to_read(c), c->offset));
                give(c, trale_result());
            }
            c->at += transfer_give(t, c->bytes + c->at, c->n - c->at, c->offset >= c->file_size);
        }

        collect(self, trale_now(cx->runtime));
        while (self->n_sent < self->n_datagrams) {
            trale_await(trale_udp_send_batch(&self->batch, c->socket, self->datagrams + self->n_sent,
                                             self->n_datagrams - self->n_sent));
            if (trale_result() < 0 && !is_passing(trale_result()))
                transfer_gone(t, (int)trale_result());
            self->n_sent += trale_result() > 0 ? (uint64_t)trale_result() : self->n_datagrams - self->n_sent;
        }

        if (c->use != CONVERSATION_READ && c->n > 0 && (t->state == TRANSFER_STORES || !has_room(c)))
            trale_await(trale_call(conversation_flush, &self->flush, .conversation = c));
        if (t->has_control || self->n_datagrams == CONVERSATION_BATCH)
            continue;
        if (t->state == TRANSFER_ENDED || t->state == TRANSFER_STORES)
            trale_return(0);

        c->waiting = &self->timeout;
        trale_await(trale_deadline(&self->timeout,
                                   trale_udp_recv_from(&self->recv, c->socket, c->datagram, c->datagram_size),
                                   t->deadline_ns));
        c->waiting = NULL;
        if (trale_result() == -ETIMEDOUT)
            transfer_timeout(t, trale_now(cx->runtime));
        else if (trale_result() >= 0)
            take(c, &self->recv, trale_now(cx->runtime));
        else if (!is_passing(trale_result()))
            transfer_gone(t, (int)trale_result());
    }
}
