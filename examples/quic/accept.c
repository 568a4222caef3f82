/* SPDX-License-Identifier: MIT
 *
 * What a server does with packets that belong to no connection. Each answer is at most as long as its question, or
 * three times as long in the handshake (ngtcp2 sees to that), so that the server is of no use against others. */
#include "endpoint.h"

#include <trale/random.h>

#define VERSION_SIZE_MIN 1200u /* of a packet that is answered by the versions (RFC 9000, 6) */
#define RETRY_NS (10 * NGTCP2_SECONDS)
#define RESET_RANDOM 26u /* as many bytes as make a reset look like any packet */

int endpoint_reset_token(const struct endpoint *endpoint, const ngtcp2_cid *id, uint8_t *token)
{
    return ngtcp2_crypto_generate_stateless_reset_token(token, endpoint->secret, sizeof endpoint->secret, id);
}

static void answer(struct endpoint *endpoint, ngtcp2_ssize n, const ngtcp2_path *path)
{
    if (n > 0)
        outbox_add(&endpoint->outbox, (size_t)n, path, NGTCP2_ECN_NOT_ECT);
}

static void answer_version(struct endpoint *endpoint, const ngtcp2_version_cid *ids, const ngtcp2_path *path)
{
    static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
    uint8_t *room = outbox_room(&endpoint->outbox, VERSION_SIZE_MIN), random = 0;
    if (room != NULL && trale_random_fill(endpoint->runtime, &random, 1) == 0)
        answer(endpoint,
               ngtcp2_pkt_write_version_negotiation(room, VERSION_SIZE_MIN, random, ids->scid, ids->scidlen, ids->dcid,
                                                    ids->dcidlen, versions, 1),
               path);
}

/* A reset is shorter than the packet, so two servers do not reset each other without end (RFC 9000, 10.3.3). */
static void answer_reset(struct endpoint *endpoint, const ngtcp2_version_cid *ids, const ngtcp2_path *path, size_t size)
{
    uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN], random[RESET_RANDOM];
    size_t n_random = size > sizeof token + RESET_RANDOM ? RESET_RANDOM : size > 17 ? size - 17 : 0;
    ngtcp2_cid id;
    uint8_t *room = outbox_room(&endpoint->outbox, sizeof token + sizeof random);
    ngtcp2_cid_init(&id, ids->dcid, ids->dcidlen);
    if (room == NULL || n_random < NGTCP2_MIN_STATELESS_RESET_RANDLEN ||
        trale_random_fill(endpoint->runtime, random, n_random) < 0 || endpoint_reset_token(endpoint, &id, token) < 0)
        return;
    endpoint->n_resets++;
    answer(endpoint, ngtcp2_pkt_write_stateless_reset(room, sizeof token + sizeof random, token, random, n_random),
           path);
}

static void answer_retry(struct endpoint *endpoint, const ngtcp2_pkt_hd *head, const ngtcp2_path *path, uint64_t now_ns)
{
    uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
    ngtcp2_cid id = {.datalen = CONNECTION_ID_SIZE};
    uint8_t *room = outbox_room(&endpoint->outbox, NGTCP2_MAX_UDP_PAYLOAD_SIZE);
    if (room == NULL || trale_random_fill(endpoint->runtime, id.data, id.datalen) < 0)
        return;
    ngtcp2_ssize n = ngtcp2_crypto_generate_retry_token(token, endpoint->secret, sizeof endpoint->secret, head->version,
                                                        path->remote.addr, path->remote.addrlen, &id, &head->dcid,
                                                        now_ns);
    if (n < 0)
        return;
    endpoint->n_retries++;
    answer(endpoint,
           ngtcp2_crypto_write_retry(room, NGTCP2_MAX_UDP_PAYLOAD_SIZE, head->version, &head->scid, &id, &head->dcid,
                                     token, (size_t)n),
           path);
}

static void answer_refusal(struct endpoint *endpoint, const ngtcp2_pkt_hd *head, const ngtcp2_path *path,
                           uint64_t error)
{
    uint8_t *room = outbox_room(&endpoint->outbox, NGTCP2_MAX_UDP_PAYLOAD_SIZE);
    if (room != NULL)
        answer(endpoint,
               ngtcp2_crypto_write_connection_close(room, NGTCP2_MAX_UDP_PAYLOAD_SIZE, head->version, &head->scid,
                                                    &head->dcid, error, NULL, 0),
               path);
}

/* A client's first packet. */
static void begin(struct endpoint *endpoint, ngtcp2_pkt_hd *head, const ngtcp2_path *path, uint32_t ecn,
                  const uint8_t *packet, size_t size, uint64_t now_ns)
{
    ngtcp2_cid original;
    bool is_retry = head->token.len > 0 && head->token.base[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY;
    if (endpoint->is_stopping || endpoint->table.n_turns >= endpoint->n_connections_max) {
        answer_refusal(endpoint, head, path, NGTCP2_CONNECTION_REFUSED);
        return;
    }
    if (!is_retry && (endpoint->always_retries || endpoint->table.n_turns >= endpoint->n_connections_max / 2)) {
        answer_retry(endpoint, head, path, now_ns);
        return;
    }
    if (is_retry && ngtcp2_crypto_verify_retry_token(&original, head->token.base, head->token.len, endpoint->secret,
                                                     sizeof endpoint->secret, head->version, path->remote.addr,
                                                     path->remote.addrlen, &head->dcid, RETRY_NS, now_ns) < 0) {
        answer_refusal(endpoint, head, path, NGTCP2_INVALID_TOKEN);
        return;
    }
    if (!is_retry)
        head->token = (ngtcp2_vec){NULL, 0}; /* of no use: none is given out for later connections */
    struct connection *connection = connection_accept(endpoint, head, path, is_retry ? &original : NULL);
    if (connection == NULL)
        return;
    endpoint->n_accepted++;
    connection_read(connection, path, ecn, packet, size, now_ns);
}

void endpoint_accept(struct endpoint *endpoint, const ngtcp2_version_cid *ids, bool is_other_version,
                     const ngtcp2_path *path, uint32_t ecn, const uint8_t *packet, size_t size, uint64_t now_ns)
{
    ngtcp2_pkt_hd head;
    if (is_other_version) {
        if (size >= VERSION_SIZE_MIN)
            answer_version(endpoint, ids, path);
        return;
    }
    if (ids->version == 0) {
        answer_reset(endpoint, ids, path, size);
        return;
    }
    if (ngtcp2_accept(&head, packet, size) == 0)
        begin(endpoint, &head, path, ecn, packet, size, now_ns);
}
