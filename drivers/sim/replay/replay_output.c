/* SPDX-License-Identifier: MIT
 *
 * What an operation was given in the recording. The record may say anything: nothing is written beyond the buffers. */
#include "replay_operation.h"

#include "replay_record.h"

struct reader {
    const char *at;
    uint64_t left;
};

/* `to` may be NULL for 0 bytes. */
static bool get(struct reader *reader, void *to, uint64_t size)
{
    if (size > reader->left)
        return false;
    if (size > 0)
        memcpy(to, reader->at, size);
    reader->at += size;
    reader->left -= size;
    return true;
}

static bool get_datagram(struct reader *reader, struct trale_record_datagram *datagram, struct trale_udp_info *info,
                         void *buf, uint64_t size)
{
    return get(reader, datagram, sizeof *datagram) && (datagram->has_info != 0) == (info != NULL) &&
           (info == NULL || get(reader, info, sizeof *info)) && datagram->n_bytes <= size &&
           get(reader, buf, datagram->n_bytes);
}

static bool get_recv(struct reader *reader, struct trale_udp_recv *op, int64_t result)
{
    struct trale_record_datagram datagram;
    if (!get_datagram(reader, &datagram, op->info, op->buf, op->size) || datagram.n_bytes != (uint64_t)result)
        return false;
    op->from = datagram.from;
    op->length = (uint32_t)datagram.length;
    op->truncated = datagram.length > op->size;
    return true;
}

static bool get_received(struct reader *reader, const struct trale_udp_batch *op, int64_t n)
{
    if ((uint64_t)n > op->n_datagrams)
        return false;
    for (int64_t i = 0; i < n; i++) {
        struct trale_datagram *to = &op->datagrams[i];
        struct trale_record_datagram datagram;
        if (!get_datagram(reader, &datagram, to->info, to->buf, to->size))
            return false;
        to->address = datagram.from;
        to->length = datagram.length;
        to->segment_size = datagram.segment_size;
    }
    return true;
}

static bool get_sent(struct reader *reader, const struct trale_udp_batch *op)
{
    uint32_t n;
    if (!get(reader, &n, sizeof n) || n > trale_recording_n(op))
        return false;
    for (uint32_t i = 0; i < trale_recording_n(op); i++) {
        uint64_t n_sent = 0;
        if (i < n && !get(reader, &n_sent, sizeof n_sent))
            return false;
        if (op->datagrams[i].n_sent != n_sent)
            op->datagrams[i].n_sent = n_sent;
    }
    return true;
}

static bool get_error(struct reader *reader, struct trale_udp_error *op, int64_t result)
{
    struct trale_record_error error;
    if (!get(reader, &error, sizeof error) || (uint64_t)result > op->size || !get(reader, op->buf, (uint64_t)result))
        return false;
    op->to = error.to;
    op->from = error.from;
    op->error = error.error;
    op->origin = error.origin;
    op->type = error.type;
    op->code = error.code;
    op->mtu = error.mtu;
    op->n_lost = error.n_lost;
    return true;
}

/* The largest result of an operation, or a try. */
static uint64_t most_of(uint32_t what, const void *op)
{
    switch (what) {
    case TRALE_RECORD_SEND:
    case TRALE_RECORD_TRY_SEND:
        return ((const struct trale_udp_send *)op)->size;
    case TRALE_RECORD_SEND_BATCH:
    case TRALE_RECORD_TRY_SEND_BATCH:
        return trale_recording_n(op);
    case TRALE_RECORD_SLEEP:
        return 0;
    default:
        return UINT64_MAX;
    }
}

bool replay_outputs(const struct trale_record *record, struct trale_future *future)
{
    struct reader reader;
    void *op = future;
    reader.at = record_outputs(record, &reader.left);
    if (record->kind != TRALE_RECORD_DROP && !record_result_is_good(record, most_of(record->what, op)))
        return false;
    if (record->what == TRALE_RECORD_SEND_BATCH || record->what == TRALE_RECORD_TRY_SEND_BATCH)
        return get_sent(&reader, op);
    if (record->result < 0 || record->kind == TRALE_RECORD_DROP)
        return true;
    switch (record->what) {
    case TRALE_RECORD_RECV:
    case TRALE_RECORD_TRY_RECV:
        return get_recv(&reader, op, record->result);
    case TRALE_RECORD_RECV_BATCH:
    case TRALE_RECORD_TRY_RECV_BATCH:
        return get_received(&reader, op, record->result);
    case TRALE_RECORD_RECV_ERROR:
        return get_error(&reader, op, record->result);
    default:
        return true;
    }
}
