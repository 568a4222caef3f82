/* SPDX-License-Identifier: MIT
 *
 * Segments on their way. */
#ifndef SIM_SEGMENT_H
#define SIM_SEGMENT_H

#include "endpoint.h"

/* The flags of TCP's header. */
#define SEGMENT_FIN 1u
#define SEGMENT_SYN 2u
#define SEGMENT_RST 4u
#define SEGMENT_ACK 16u
/* And what is none of them: it asks for an acknowledgement, which TCP does with a number that is old. */
#define SEGMENT_PROBE 128u

struct segment {
    struct event event;     /* first: it arrives */
    struct trale_link link; /* among those that are on this host, or among early ones */
    uint64_t number;        /* in the world */
    struct connection *connection;
    struct trale_address from, to; /* with ports, unmapped */
    struct host *host;             /* of its sender */
    uint64_t sequence, acknowledged;
    uint64_t window_end; /* up to where its sender takes bytes */
    uint32_t size;
    uint8_t side; /* of the connection, that has sent it */
    uint8_t flags;
    bool is_local; /* it has not left its host */
    unsigned char bytes[];
};

/* Sends a segment of an endpoint: its bytes from `sequence` on, which are in the queue of its output. */
void segment_send(struct world *world, const struct endpoint *endpoint, uint8_t flags, uint64_t sequence,
                  uint32_t size);

/* Answers a segment for which there is no endpoint. */
void segment_refuse(struct world *world, const struct segment *segment);

void segment_free(struct world *world, struct segment *segment);

/* The segment does not arrive: counts and logs it, and frees it. */
void segment_lose(struct world *world, struct segment *segment, enum trale_sim_loss reason);

#endif
