/* SPDX-License-Identifier: MIT */
#include "look.h"

#include <ngtcp2/ngtcp2_crypto.h>

#define LONG_HEADER 0x80u
#define VERSION_SIZE_MIN 1200u /* of a packet that is answered by the versions (RFC 9000, 6) */

enum look_kind look_at(ngtcp2_version_cid *ids, const uint8_t *packet, size_t size)
{
    if (size == 0)
        return LOOK_NOTHING;
    int r = ngtcp2_pkt_decode_version_cid(ids, packet, size, CONNECTION_ID_SIZE);
    if (r == NGTCP2_ERR_VERSION_NEGOTIATION)
        return size >= VERSION_SIZE_MIN ? LOOK_VERSION : LOOK_NOTHING;
    bool is_long = (packet[0] & LONG_HEADER) != 0;
    /* Version 0 with a long header is an answer by versions, which has none itself. Its IDs may be of any size. */
    if (r < 0 || (is_long && ids->version == 0) || ids->dcidlen > NGTCP2_MAX_CIDLEN || ids->scidlen > NGTCP2_MAX_CIDLEN)
        return LOOK_NOTHING;
    return LOOK_CONNECTION;
}

enum look_stranger look_at_stranger(ngtcp2_pkt_hd *head, const ngtcp2_version_cid *ids, const uint8_t *packet,
                                    size_t size)
{
    if (ids->version == 0)
        return LOOK_LOST;
    if (ngtcp2_accept(head, packet, size) != 0)
        return LOOK_IGNORED;
    /* The first ID that a client makes up (RFC 9000, 7.2). ngtcp2_accept does not look at it if there is any token. */
    return head->dcid.datalen >= NGTCP2_MIN_INITIAL_DCIDLEN || look_has_token(head) ? LOOK_INITIAL : LOOK_IGNORED;
}

bool look_has_token(const ngtcp2_pkt_hd *head)
{
    return head->token.len > 0 && head->token.base[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY;
}

enum look_verdict look_decide(const struct look_state *state)
{
    bool is_beyond_share = state->asks_too_often || state->n_client >= state->n_client_max;
    if (state->is_stopping || state->n_connections >= state->n_connections_max)
        return LOOK_REFUSE;
    if (!state->has_token) {
        bool is_loaded = state->n_connections >= state->n_connections_max / 2;
        return state->always_retries || is_loaded || is_beyond_share ? LOOK_RETRY : LOOK_ACCEPT;
    }
    if (!state->is_token_valid)
        return LOOK_INVALID;
    return is_beyond_share ? LOOK_REFUSE : LOOK_ACCEPT;
}
