/* SPDX-License-Identifier: MIT
 *
 * What a server does with packets that belong to no connection. */
#include "endpoint.h"

#include <trale/random.h>

#include "../service/log.h"
#include "answer.h"

int endpoint_reset_token(const struct endpoint *endpoint, const ngtcp2_cid *id, uint8_t *token)
{
    return answer_reset_token(token, id, endpoint->secret);
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

int endpoint_limit(struct endpoint *endpoint, const struct endpoint_limits *limits, uint64_t n_clients)
{
    struct rate *rates[] = {&endpoint->unproven, &endpoint->proven, &endpoint->answers, &endpoint->requests};
    if (n_clients != endpoint->n_clients) {
        struct rate fresh[4] = {{0}};
        uint64_t secrets[4];
        int r = trale_random_fill(endpoint->runtime, secrets, sizeof secrets);
        for (size_t i = 0; i < 4 && r == 0; i++)
            r = rate_init(&fresh[i], n_clients, secrets[i]);
        for (size_t i = 0; i < 4; i++) {
            rate_deinit(r == 0 ? rates[i] : &fresh[i]);
            if (r == 0)
                *rates[i] = fresh[i];
        }
        if (r < 0)
            return r;
        endpoint->n_clients = n_clients;
    }
    rate_set(&endpoint->unproven, limits->connection_interval_ns, limits->connection_burst);
    rate_set(&endpoint->proven, limits->connection_interval_ns, limits->connection_burst);
    rate_set(&endpoint->answers, limits->answer_interval_ns, limits->answer_burst);
    rate_set(&endpoint->requests, limits->request_interval_ns, limits->request_burst);
    endpoint->limits = *limits;
    return 0;
}

static bool asks_too_often(struct rate *rate, const struct trale_address *client, const char *what, uint64_t now_ns)
{
    enum rate_verdict verdict = rate_take(rate, client, now_ns);
    char text[TRALE_ADDRESS_TEXT] = "?";
    if (verdict == RATE_EXCEEDED && trale_address_format(client, text, sizeof text) >= 0)
        service_log(LOG_NOTICE, "%s: too many %s", text, what);
    return verdict != RATE_ALLOWED;
}

/* The connections with a client. Those that have not shown yet that the address is theirs do not count: it may be
 * forged, to have this client refused. */
static size_t count_connections(const struct endpoint *endpoint, const struct trale_address *client)
{
    size_t n = 0;
    for (const struct connection *c = endpoint->connections; c != NULL; c = c->next)
        n += rate_is_same_client(&c->peer, client) && (c->has_retried || ngtcp2_conn_get_handshake_completed(c->quic));
    return n;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* Room for an answer; NULL: there is none, or the client, to whom a stranger may have it sent, gets no more. */
static uint8_t *answer_room(struct endpoint *endpoint, const struct trale_address *client, uint64_t now_ns)
{
    uint8_t *room = outbox_room(&endpoint->outbox, ANSWER_SIZE);
    if (room != NULL && !asks_too_often(&endpoint->answers, client, "packets of no connection", now_ns))
        return room;
    endpoint->n_ignored++;
    return NULL;
}

static void answer(struct endpoint *endpoint, size_t n, const ngtcp2_path *path)
{
    if (n > 0)
        outbox_add(&endpoint->outbox, n, path, NGTCP2_ECN_NOT_ECT);
}

/* A client's first packet. */
static void begin(struct endpoint *endpoint, ngtcp2_pkt_hd *head, const ngtcp2_path *path, uint32_t ecn,
                  const uint8_t *packet, size_t size, uint64_t now_ns)
{
    const struct trale_address client = connection_remote(path);
    ngtcp2_cid original, id = {.datalen = CONNECTION_ID_SIZE};
    struct look_state state = {.is_stopping = endpoint->is_stopping,
                               .always_retries = endpoint->limits.always_retries,
                               .has_token = look_has_token(head),
                               .n_connections = endpoint->table.n_turns,
                               .n_connections_max = endpoint->limits.n_connections,
                               .n_client_max = endpoint->limits.n_client_connections};
    state.is_token_valid = state.has_token &&
                           answer_retry_verify(&original, head, &path->remote, endpoint->secret, now_ns);
    if (state.is_token_valid || !state.has_token) {
        state.asks_too_often = asks_too_often(state.has_token ? &endpoint->proven : &endpoint->unproven, &client,
                                              "connections", now_ns);
        state.n_client = count_connections(endpoint, &client);
    }
    enum look_verdict verdict = look_decide(&state);
    if (verdict == LOOK_ACCEPT) {
        if (!state.has_token)
            head->token = (ngtcp2_vec){NULL, 0}; /* of no use: none is given out for later connections */
        struct connection *connection = connection_accept(endpoint, head, path, state.has_token ? &original : NULL);
        endpoint->n_accepted += connection != NULL;
        if (connection != NULL)
            connection_read(connection, path, ecn, packet, size, now_ns);
        return;
    }
    uint8_t *room = answer_room(endpoint, &client, now_ns);
    if (room == NULL)
        return;
    if (verdict != LOOK_RETRY) {
        endpoint->n_refused++;
        answer(endpoint,
               answer_refusal(room, head, verdict == LOOK_INVALID ? NGTCP2_INVALID_TOKEN : NGTCP2_CONNECTION_REFUSED),
               path);
    } else if (trale_random_fill(endpoint->runtime, id.data, id.datalen) == 0) {
        endpoint->n_retries++;
        answer(endpoint, answer_retry(room, head, &path->remote, &id, endpoint->secret, now_ns), path);
    }
}

void endpoint_accept(struct endpoint *endpoint, const ngtcp2_version_cid *ids, enum look_kind kind,
                     const ngtcp2_path *path, uint32_t ecn, const uint8_t *packet, size_t size, uint64_t now_ns)
{
    const struct trale_address client = connection_remote(path);
    uint8_t *room, random[ANSWER_RESET_RANDOM];
    ngtcp2_pkt_hd head;
    enum look_stranger stranger = kind == LOOK_VERSION ? LOOK_IGNORED : look_at_stranger(&head, ids, packet, size);
    if (stranger == LOOK_INITIAL) {
        begin(endpoint, &head, path, ecn, packet, size, now_ns);
        return;
    }
    if ((kind != LOOK_VERSION && stranger != LOOK_LOST) || (room = answer_room(endpoint, &client, now_ns)) == NULL ||
        trale_random_fill(endpoint->runtime, random, sizeof random) < 0)
        return;
    if (kind == LOOK_VERSION) {
        answer(endpoint, answer_versions(room, ids, random[0]), path);
        return;
    }
    endpoint->n_resets++;
    answer(endpoint, answer_reset(room, ids, size, endpoint->secret, random), path);
}
