/* SPDX-License-Identifier: MIT
 *
 * What a recording has of the arguments of a call: the same for the layer `record`, which writes it, and for
 * [driver:sim] replay = FILE, which compares it. */
#ifndef TRALE_RECORDING_INPUTS_H
#define TRALE_RECORDING_INPUTS_H

#include <trale/recording.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The address with all that the kernel ignores zeroed. */
static inline struct trale_address trale_recording_address(const struct trale_address *address)
{
    struct trale_address clean;
    memset(&clean, 0, sizeof clean);
    clean.any.sa_family = address->any.sa_family;
    if (address->any.sa_family == AF_INET) {
        clean.v4.sin_port = address->v4.sin_port;
        clean.v4.sin_addr = address->v4.sin_addr;
    } else if (address->any.sa_family == AF_INET6) {
        clean.v6.sin6_port = address->v6.sin6_port;
        clean.v6.sin6_addr = address->v6.sin6_addr;
        clean.v6.sin6_scope_id = address->v6.sin6_scope_id;
    }
    return clean;
}

/* Bytes that are sent, unless there are more than any datagram has. */
static inline uint64_t trale_recording_payload_(uint64_t hash, const void *bytes, uint64_t size)
{
    return trale_recording_hash(hash, bytes, bytes != NULL && size <= UINT16_MAX ? size : 0);
}

/* What a send takes from its info. */
static inline uint64_t trale_recording_info_(uint64_t hash, const struct trale_udp_info *info)
{
    const uint32_t sent = TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TRAFFIC_CLASS | TRALE_UDP_INFO_TTL |
                          TRALE_UDP_INFO_INTERFACE;
    uint32_t have = info != NULL ? info->have & sent : 0;
    hash = trale_recording_mix_(hash, have);
    if ((have & TRALE_UDP_INFO_LOCAL) != 0) {
        struct trale_address local = trale_recording_address(&info->local);
        hash = trale_recording_hash(hash, &local, sizeof local);
    }
    if ((have & (TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_INTERFACE)) != 0)
        hash = trale_recording_mix_(hash, info->interface_index);
    if ((have & TRALE_UDP_INFO_TRAFFIC_CLASS) != 0)
        hash = trale_recording_mix_(hash, (uint64_t)info->traffic_class);
    return (have & TRALE_UDP_INFO_TTL) != 0 ? trale_recording_mix_(hash, (uint64_t)info->ttl) : hash;
}

static inline struct trale_record_inputs trale_recording_recv(uint64_t socket, const struct trale_udp_recv *op)
{
    struct trale_record_inputs inputs;
    memset(&inputs, 0, sizeof inputs);
    inputs.socket = socket;
    inputs.values[0] = op->size;
    inputs.values[1] = op->info != NULL;
    return inputs;
}

static inline struct trale_record_inputs trale_recording_send(uint64_t socket, const struct trale_udp_send *op)
{
    struct trale_record_inputs inputs;
    memset(&inputs, 0, sizeof inputs);
    inputs.socket = socket;
    inputs.values[0] = op->size;
    inputs.hash = trale_recording_info_(trale_recording_payload_(0, op->buf, op->size), op->info);
    inputs.address = trale_recording_address(&op->to);
    return inputs;
}

/* How many datagrams of a batch its driver looks at. */
static inline uint64_t trale_recording_n(const struct trale_udp_batch *op)
{
    return op->n_datagrams < TRALE_UDP_BATCH ? op->n_datagrams : TRALE_UDP_BATCH;
}

static inline struct trale_record_inputs trale_recording_batch(uint64_t socket, const struct trale_udp_batch *op,
                                                               int sends)
{
    struct trale_record_inputs inputs;
    memset(&inputs, 0, sizeof inputs);
    inputs.socket = socket;
    inputs.values[0] = op->n_datagrams;
    for (uint64_t i = 0; i < trale_recording_n(op); i++) {
        const struct trale_datagram *datagram = &op->datagrams[i];
        inputs.values[1] += datagram->size;
        inputs.hash = trale_recording_mix_(inputs.hash, datagram->size);
        if (!sends) {
            inputs.hash = trale_recording_mix_(inputs.hash, datagram->info != NULL);
            continue;
        }
        struct trale_address to = trale_recording_address(&datagram->address);
        inputs.hash = trale_recording_hash(inputs.hash, &to, sizeof to);
        inputs.hash = trale_recording_mix_(inputs.hash, datagram->segment_size);
        inputs.hash = trale_recording_mix_(inputs.hash, datagram->n_sent);
        inputs.hash = trale_recording_payload_(inputs.hash, datagram->buf, datagram->size);
        inputs.hash = trale_recording_info_(inputs.hash, datagram->info);
    }
    return inputs;
}

/* The socket of an operation of UDP, or of a try; NULL: it is of another interface. */
static inline const struct trale_udp_socket *trale_recording_socket(uint32_t what, const void *op)
{
    if (what == TRALE_RECORD_SLEEP)
        return NULL;
    /* In all of them it is behind the future. */
    return ((const struct trale_udp_recv *)op)->socket;
}

/* What an operation, or a try, takes. */
static inline struct trale_record_inputs trale_recording_inputs(uint32_t what, uint64_t socket, const void *op)
{
    struct trale_record_inputs inputs;
    memset(&inputs, 0, sizeof inputs);
    if (what == TRALE_RECORD_RECV || what == TRALE_RECORD_TRY_RECV)
        return trale_recording_recv(socket, (const struct trale_udp_recv *)op);
    if (what == TRALE_RECORD_SEND || what == TRALE_RECORD_TRY_SEND)
        return trale_recording_send(socket, (const struct trale_udp_send *)op);
    if (what == TRALE_RECORD_RECV_BATCH || what == TRALE_RECORD_TRY_RECV_BATCH)
        return trale_recording_batch(socket, (const struct trale_udp_batch *)op, 0);
    if (what == TRALE_RECORD_SEND_BATCH || what == TRALE_RECORD_TRY_SEND_BATCH)
        return trale_recording_batch(socket, (const struct trale_udp_batch *)op, 1);
    inputs.socket = socket;
    if (what == TRALE_RECORD_RECV_ERROR)
        inputs.values[0] = ((const struct trale_udp_error *)op)->size;
    return inputs;
}

static_assert(offsetof(struct trale_udp_recv, socket) == offsetof(struct trale_udp_send, socket) &&
                  offsetof(struct trale_udp_recv, socket) == offsetof(struct trale_udp_batch, socket) &&
                  offsetof(struct trale_udp_recv, socket) == offsetof(struct trale_udp_error, socket),
              "trale_recording_socket");

#ifdef __cplusplus
}
#endif

#endif
