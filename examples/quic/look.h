/* SPDX-License-Identifier: MIT
 *
 * A server's first look at a packet, and what it does with one that begins a connection. Knows nothing of sockets,
 * keys and connections. */
#ifndef QUIC_LOOK_H
#define QUIC_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

#define CONNECTION_ID_SIZE 16u

/* What a packet is, as far as an endpoint sees without keys. */
enum look_kind {
    LOOK_NOTHING,    /* It is none, or one that gets no answer. */
    LOOK_CONNECTION, /* It is for the connection with its ID, if there is one. */
    LOOK_VERSION,    /* It has another version, and is long enough for an answer by those that are known. */
};

/* What a packet is whose connection is not known. */
enum look_stranger {
    LOOK_IGNORED,
    LOOK_LOST,    /* It is of a connection that was here before: a reset may be the answer. */
    LOOK_INITIAL, /* It begins a connection. */
};

/* Looks at a packet. *ids, which point into it, are set unless it is LOOK_NOTHING. Each ID of a packet of version 1 has
 * at most NGTCP2_MAX_CIDLEN bytes; of LOOK_VERSION, at most 255. */
enum look_kind look_at(ngtcp2_version_cid *ids, const uint8_t *packet, size_t size);

/* Looks at a packet that was LOOK_CONNECTION. *head is set if it is LOOK_INITIAL. */
enum look_stranger look_at_stranger(ngtcp2_pkt_hd *head, const ngtcp2_version_cid *ids, const uint8_t *packet,
                                    size_t size);

/* Whether the head has a token that is said to be of a retry. */
bool look_has_token(const ngtcp2_pkt_hd *head);

/* What becomes of a packet that begins a connection. */
enum look_verdict {
    LOOK_ACCEPT,
    LOOK_RETRY,   /* The client has to prove its address first. */
    LOOK_REFUSE,  /* There is no room for it. */
    LOOK_INVALID, /* Its token is not one of the last seconds for this address. */
};

struct look_state {
    bool is_stopping;
    bool always_retries;
    bool has_token, is_token_valid;
    bool asks_too_often;                     /* the client, in connections */
    size_t n_connections, n_connections_max; /* in all */
    size_t n_client, n_client_max;           /* with this client */
};

/* Without a token nothing is refused to one client alone: the address may be forged. */
enum look_verdict look_decide(const struct look_state *state);

#endif
