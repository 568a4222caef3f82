/* SPDX-License-Identifier: MIT
 *
 * What operations take and give (recording.h). */
#include "recorder.h"

struct trale_record_inputs operation_inputs(const struct recorder *recorder, enum trale_record_what what,
                                            const struct trale_future *future)
{
    return trale_recording_inputs(what, table_get(&recorder->sockets, trale_recording_socket(what, future)), future);
}

/* --- outputs ------------------------------------------------------------------------------------------------------ */

static void put_datagram(struct recorder *recorder, const struct trale_record_datagram *datagram,
                         const struct trale_udp_info *info, const void *bytes)
{
    record_put(recorder, datagram, sizeof *datagram);
    if (datagram->has_info != 0)
        record_put(recorder, info, sizeof *info);
    record_put(recorder, bytes, datagram->n_bytes);
}

static void put_recv(struct recorder *recorder, const struct trale_udp_recv *op, int64_t result)
{
    const struct trale_record_datagram datagram = {.from = trale_recording_address(&op->from),
                                                   .length = op->length,
                                                   .n_bytes = (uint32_t)result,
                                                   .has_info = op->info != NULL};
    put_datagram(recorder, &datagram, op->info, op->buf);
}

static void put_received(struct recorder *recorder, const struct trale_udp_batch *op, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const struct trale_datagram *from = &op->datagrams[i];
        const struct trale_record_datagram datagram = {
            .from = trale_recording_address(&from->address),
            .segment_size = from->segment_size,
            .length = from->length,
            .n_bytes = (uint32_t)(from->length < from->size ? from->length : from->size),
            .has_info = from->info != NULL};
        put_datagram(recorder, &datagram, from->info, from->buf);
    }
}

static void put_sent(struct recorder *recorder, const struct trale_udp_batch *op)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < trale_recording_n(op); i++)
        if (op->datagrams[i].n_sent != 0)
            n = i + 1;
    record_put(recorder, &n, sizeof n);
    for (uint32_t i = 0; i < n; i++)
        record_put(recorder, &op->datagrams[i].n_sent, sizeof op->datagrams[i].n_sent);
}

static void put_error(struct recorder *recorder, const struct trale_udp_error *op, int64_t result)
{
    const struct trale_record_error error = {.to = trale_recording_address(&op->to),
                                             .from = trale_recording_address(&op->from),
                                             .error = op->error,
                                             .origin = op->origin,
                                             .type = op->type,
                                             .code = op->code,
                                             .mtu = op->mtu,
                                             .n_lost = op->n_lost};
    record_put(recorder, &error, sizeof error);
    record_put(recorder, op->buf, (uint64_t)result);
}

void operation_outputs(struct recorder *recorder, enum trale_record_what what, const struct trale_future *future,
                       int64_t result)
{
    const void *op = future;
    if (what == TRALE_RECORD_SEND_BATCH || what == TRALE_RECORD_TRY_SEND_BATCH)
        put_sent(recorder, op);
    else if (result < 0)
        return;
    else if (what == TRALE_RECORD_RECV || what == TRALE_RECORD_TRY_RECV)
        put_recv(recorder, op, result);
    else if (what == TRALE_RECORD_RECV_BATCH || what == TRALE_RECORD_TRY_RECV_BATCH)
        put_received(recorder, op, result);
    else if (what == TRALE_RECORD_RECV_ERROR)
        put_error(recorder, op, result);
}
