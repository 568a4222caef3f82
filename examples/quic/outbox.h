/* SPDX-License-Identifier: MIT
 *
 * Packets that are sent in one batch. Successive packets of one size, path and class become one datagram with a segment
 * size, which the kernel cuts apart (GSO); the last of them may be shorter. */
#ifndef QUIC_OUTBOX_H
#define QUIC_OUTBOX_H

#include <stdbool.h>

#include <ngtcp2/ngtcp2.h>

#include <trale/udp.h>
#include <trale/udp_info.h>

#define OUTBOX_SIZE (256u << 10)
#define OUTBOX_SEGMENTS 40u /* of a datagram; of the largest packets, fewer than the 65,507 bytes that it may have */

struct outbox {
    bool joins;      /* GSO */
    bool sets_local; /* the source address is the one that the path has */
    size_t n_bytes;
    size_t n_datagrams;
    struct trale_datagram datagrams[TRALE_UDP_BATCH];
    struct trale_udp_info infos[TRALE_UDP_BATCH];
    uint8_t bytes[OUTBOX_SIZE];
};

/* Where the next packet goes; NULL: there is no room for one of that size. */
uint8_t *outbox_room(struct outbox *outbox, size_t size);

/* Adds the packet that was written there. */
void outbox_add(struct outbox *outbox, size_t size, const ngtcp2_path *path, uint32_t ecn);

/* Forgets all packets. */
void outbox_clear(struct outbox *outbox);

#endif
