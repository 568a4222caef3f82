/* SPDX-License-Identifier: MIT
 *
 * A QUIC server's first look at packets, its answers to those of no connection, and the fields of HTTP/3 requests.
 *
 * Over: examples/quic/look.c examples/quic/answer.c examples/quic/request.c
 * Over: examples/http/request.c examples/http/range.c
 * With: libngtcp2 libngtcp2_crypto_gnutls gnutls libnghttp3 */
#include <string.h>

#include "examples/quic/answer.h"
#include "examples/quic/look.h"
#include "examples/quic/request.h"
#include "tests/fuzz/check.h"

#define NOW_NS (100 * NGTCP2_SECONDS)

static const uint8_t secret[ANSWER_SECRET_SIZE] = "secret", other_secret[ANSWER_SECRET_SIZE] = "other";
static const uint8_t zeros[ANSWER_RESET_RANDOM];
static uint8_t room[ANSWER_SIZE];

/* A client that gets a retry, and comes back with its token: from its address and in time, or not. */
static void follow_retry(const ngtcp2_pkt_hd *head)
{
    struct sockaddr address = {.sa_family = AF_INET}, other = {.sa_family = AF_INET, .sa_data = "another"};
    const ngtcp2_addr client = {&address, sizeof address}, stranger = {&other, sizeof other};
    const ngtcp2_cid id = {.datalen = CONNECTION_ID_SIZE};
    ngtcp2_cid original;
    if (ngtcp2_cid_eq(&id, &head->dcid))
        return; /* the server's own ID is random; ngtcp2 asserts that it is another one */
    size_t n = answer_retry(room, head, &client, &id, secret, NOW_NS);
    CHECK(n > 0 && n <= ANSWER_SIZE);
    ngtcp2_pkt_hd next = *head;
    next.dcid = id;
    /* The token is between the IDs and the tag of 16 bytes. */
    size_t n_before = 7 + head->scid.datalen + CONNECTION_ID_SIZE;
    next.token = (ngtcp2_vec){room + n_before, n - n_before - 16};
    CHECK(look_has_token(&next) && answer_retry_verify(&original, &next, &client, secret, NOW_NS + NGTCP2_SECONDS));
    CHECK(ngtcp2_cid_eq(&original, &head->dcid));
    CHECK(!answer_retry_verify(&original, &next, &stranger, secret, NOW_NS));
    CHECK(!answer_retry_verify(&original, &next, &client, other_secret, NOW_NS));
    CHECK(!answer_retry_verify(&original, &next, &client, secret, NOW_NS + 11 * NGTCP2_SECONDS));
    next.token.len--;
    CHECK(!answer_retry_verify(&original, &next, &client, secret, NOW_NS));
}

static void look(const uint8_t *packet, size_t size)
{
    ngtcp2_version_cid ids;
    ngtcp2_pkt_hd head;
    ngtcp2_cid original;
    enum look_kind kind = look_at(&ids, packet, size);
    if (kind == LOOK_VERSION) {
        size_t n = answer_versions(room, &ids, packet[0]);
        CHECK(n > 0 && n <= size && look_at(&ids, room, n) == LOOK_NOTHING);
    }
    if (kind != LOOK_CONNECTION)
        return;
    CHECK(ids.dcidlen <= NGTCP2_MAX_CIDLEN && ids.dcid >= packet && ids.dcid + ids.dcidlen <= packet + size);
    switch (look_at_stranger(&head, &ids, packet, size)) {
    case LOOK_IGNORED:
        break;
    case LOOK_LOST:
        CHECK(answer_reset(room, &ids, size, secret, zeros) < size);
        break;
    case LOOK_INITIAL: {
        struct sockaddr address = {.sa_family = AF_INET};
        const ngtcp2_addr client = {&address, sizeof address};
        CHECK(size >= ANSWER_SIZE);
        CHECK(!look_has_token(&head) || !answer_retry_verify(&original, &head, &client, secret, NOW_NS));
        CHECK(answer_refusal(room, &head, NGTCP2_CONNECTION_REFUSED) <= size);
        if (!look_has_token(&head))
            follow_retry(&head);
    }
    }
}

static void decide(const uint8_t *bytes)
{
    const struct look_state state = {.is_stopping = bytes[0] & 1,
                                     .always_retries = bytes[0] & 2,
                                     .has_token = bytes[0] & 4,
                                     .is_token_valid = bytes[0] & 8,
                                     .asks_too_often = bytes[0] & 16,
                                     .n_connections = bytes[1],
                                     .n_connections_max = bytes[2],
                                     .n_client = bytes[3],
                                     .n_client_max = bytes[4]};
    enum look_verdict verdict = look_decide(&state);
    if (verdict == LOOK_ACCEPT)
        CHECK(!state.is_stopping && state.n_connections < state.n_connections_max &&
              state.n_client < state.n_client_max && !state.asks_too_often &&
              (state.has_token ? state.is_token_valid : !state.always_retries));
    if (verdict == LOOK_RETRY)
        CHECK(!state.has_token);
}

/* Each field is a byte for its name, one for its size, and its value. */
static void read_fields(const uint8_t *bytes, size_t size)
{
    static const int32_t tokens[] = {NGHTTP3_QPACK_TOKEN__METHOD, NGHTTP3_QPACK_TOKEN__PATH, -1};
    struct request request = {0};
    for (size_t at = 0; at + 2 <= size; at += 2 + bytes[at + 1]) {
        size_t n_left = size - at - 2, n = bytes[at + 1] < n_left ? bytes[at + 1] : n_left;
        nghttp3_vec value = {(uint8_t *)bytes + at + 2, n}, name = {(uint8_t *)bytes + at, 1};
        if (!request_field(&request, tokens[bytes[at] % 3], name, value))
            return;
        CHECK(request.n_bytes <= REQUEST_FIELDS_MAX);
    }
    int status = request_status(&request);
    CHECK(status == 0 || status == 400 || status == 405 || status == 414);
    CHECK(status != 0 || strlen(request.path) <= HTTP_PATH_MAX);
}

/* The first byte says how long the packet is made, so that the fuzzer need not: Initials have 1,200 bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t long_packet[1400];
    if (size < 5)
        return 0;
    decide(bytes);
    read_fields(bytes, size);
    if ((bytes[0] & 1) == 0) {
        look(bytes + 1, size - 1);
        return 0;
    }
    memset(long_packet, 0, sizeof long_packet);
    memcpy(long_packet, bytes + 1, size - 1 < sizeof long_packet ? size - 1 : sizeof long_packet);
    look(long_packet, sizeof long_packet - bytes[0] / 2);
    return 0;
}
