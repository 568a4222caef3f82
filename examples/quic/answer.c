/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <ngtcp2/ngtcp2_crypto.h>

#define RETRY_NS (10 * NGTCP2_SECONDS)
/* A packet of the size of the shortest that has a reset: the reset is one byte shorter. */
#define RESET_SIZE_MIN (NGTCP2_STATELESS_RESET_TOKENLEN + NGTCP2_MIN_STATELESS_RESET_RANDLEN)

static size_t size_of(ngtcp2_ssize n)
{
    return n > 0 ? (size_t)n : 0;
}

size_t answer_versions(uint8_t *room, const ngtcp2_version_cid *ids, uint8_t random)
{
    static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
    return size_of(ngtcp2_pkt_write_version_negotiation(room, ANSWER_SIZE, random, ids->scid, ids->scidlen, ids->dcid,
                                                        ids->dcidlen, versions, 1));
}

int answer_reset_token(uint8_t *token, const ngtcp2_cid *id, const uint8_t *secret)
{
    return ngtcp2_crypto_generate_stateless_reset_token(token, secret, ANSWER_SECRET_SIZE, id);
}

size_t answer_reset(uint8_t *room, const ngtcp2_version_cid *ids, size_t size, const uint8_t *secret,
                    const uint8_t *random)
{
    uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN];
    ngtcp2_cid id;
    if (size <= RESET_SIZE_MIN)
        return 0;
    size_t n_random = size - 1 - sizeof token < ANSWER_RESET_RANDOM ? size - 1 - sizeof token : ANSWER_RESET_RANDOM;
    ngtcp2_cid_init(&id, ids->dcid, ids->dcidlen);
    if (answer_reset_token(token, &id, secret) < 0)
        return 0;
    return size_of(ngtcp2_pkt_write_stateless_reset(room, ANSWER_SIZE, token, random, n_random));
}

size_t answer_retry(uint8_t *room, const ngtcp2_pkt_hd *head, const ngtcp2_addr *client, const ngtcp2_cid *id,
                    const uint8_t *secret, uint64_t now_ns)
{
    uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
    ngtcp2_ssize n = ngtcp2_crypto_generate_retry_token(token, secret, ANSWER_SECRET_SIZE, head->version, client->addr,
                                                        client->addrlen, id, &head->dcid, now_ns);
    if (n < 0)
        return 0;
    return size_of(
        ngtcp2_crypto_write_retry(room, ANSWER_SIZE, head->version, &head->scid, id, &head->dcid, token, (size_t)n));
}

bool answer_retry_verify(ngtcp2_cid *original, const ngtcp2_pkt_hd *head, const ngtcp2_addr *client,
                         const uint8_t *secret, uint64_t now_ns)
{
    return ngtcp2_crypto_verify_retry_token(original, head->token.base, head->token.len, secret, ANSWER_SECRET_SIZE,
                                            head->version, client->addr, client->addrlen, &head->dcid, RETRY_NS,
                                            now_ns) == 0;
}

size_t answer_refusal(uint8_t *room, const ngtcp2_pkt_hd *head, uint64_t error)
{
    return size_of(ngtcp2_crypto_write_connection_close(room, ANSWER_SIZE, head->version, &head->scid, &head->dcid,
                                                        error, NULL, 0));
}
