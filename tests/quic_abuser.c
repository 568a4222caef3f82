/* SPDX-License-Identifier: MIT
 *
 * An HTTP/3 client that does what others do not, and then asks for /one:
 *
 *     quic_abuser slow CERTIFICATE ADDRESS      asks for /sparse 50 times, and reads nothing
 *     quic_abuser reset CERTIFICATE ADDRESS     asks 300 times, and resets each stream when its answer begins
 *     quic_abuser fields CERTIFICATE ADDRESS    sends 40 KB of fields with a request
 *     quic_abuser content CERTIFICATE ADDRESS   sends 5 MB with requests that have none
 *
 * Prints how the streams and the connection ended. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <trale/random.h>
#include <trale/trale.h>

#include "../examples/quic/endpoint.h"

#define N_FIELDS 40
#define FIELD_SIZE 1000
#define CONTENT_SIZE (1u << 20)

static struct endpoint endpoint;
static const char *kind;
static uint32_t n_left, n_open, n_ended; /* requests of its kind */
static uint64_t stream_error;            /* of the last of them */
static size_t n_content;
static int64_t last = -1; /* the stream of the request for /one */
static char last_status[4] = "no";

static nghttp3_ssize content(nghttp3_conn *http, int64_t stream, nghttp3_vec *bytes, size_t n, uint32_t *flags,
                             void *context, void *request)
{
    static uint8_t zeros[1 << 14];
    (void)http, (void)stream, (void)n, (void)context, (void)request;
    bytes[0] = (nghttp3_vec){zeros, sizeof zeros};
    n_content += sizeof zeros;
    *flags |= n_content % CONTENT_SIZE == 0 ? NGHTTP3_DATA_FLAG_EOF : 0;
    return 1;
}

static int ask(struct connection *connection, int64_t stream, const char *path, bool is_good)
{
    static char value[FIELD_SIZE + 1];
    static const nghttp3_data_reader reader = {content};
    bool has_content = !is_good && strcmp(kind, "content") == 0;
    nghttp3_nv fields[4 + N_FIELDS] = {http3_field(":method", has_content ? "POST" : "GET"),
                                       http3_field(":scheme", "https"), http3_field(":authority", "localhost"),
                                       http3_field(":path", path)};
    memset(value, 'x', FIELD_SIZE);
    for (size_t i = 0; i < N_FIELDS; i++)
        fields[4 + i] = http3_field("x-more", value);
    size_t n = !is_good && strcmp(kind, "fields") == 0 ? 4 + N_FIELDS : 4;
    int r = nghttp3_conn_submit_request(connection->http, stream, fields, n, has_content ? &reader : NULL, connection);
    return r < 0 ? http3_failed(connection, r) : 0;
}

static int go_on(struct connection *connection)
{
    int64_t stream;
    int r = 0;
    while (r == 0 && n_left > 0 && ngtcp2_conn_open_bidi_stream(connection->quic, &stream, NULL) == 0) {
        n_left--;
        n_open++;
        r = ask(connection, stream, strcmp(kind, "slow") == 0 ? "/sparse" : "/ten", false);
    }
    if (r == 0 && n_left == 0 && n_open == 0 && last < 0 &&
        ngtcp2_conn_open_bidi_stream(connection->quic, &last, NULL) == 0)
        r = ask(connection, last, "/one", true);
    return r;
}

static int field(nghttp3_conn *http, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                 uint8_t flags, void *context, void *request)
{
    struct connection *connection = context;
    nghttp3_vec text = nghttp3_rcbuf_get_buf(value);
    (void)http, (void)name, (void)flags, (void)request;
    if (stream == last && token == NGHTTP3_QPACK_TOKEN__STATUS && text.len == 3)
        memcpy(last_status, text.base, 3);
    if (stream != last && token == NGHTTP3_QPACK_TOKEN__STATUS && strcmp(kind, "reset") == 0)
        ngtcp2_conn_shutdown_stream(connection->quic, stream, NGHTTP3_H3_REQUEST_CANCELLED);
    return 0;
}

static int data(nghttp3_conn *http, int64_t stream, const uint8_t *bytes, size_t n, void *context, void *request)
{
    struct connection *connection = context;
    (void)http, (void)stream, (void)bytes, (void)request;
    if (strcmp(kind, "slow") != 0)
        ngtcp2_conn_extend_max_offset(connection->quic, n);
    return 0;
}

static int closed(nghttp3_conn *http, int64_t stream, uint64_t error, void *context, void *request)
{
    struct connection *connection = context;
    (void)http;
    if (request == NULL)
        return 0;
    if (stream == last) {
        connection_end(connection, NGHTTP3_H3_NO_ERROR);
        return 0;
    }
    n_open--;
    n_ended++;
    stream_error = error;
    return go_on(connection) == 0 ? 0 : NGHTTP3_ERR_CALLBACK_FAILURE;
}

static void ended(struct connection *connection)
{
    ngtcp2_connection_close_error reason = connection->reason;
    if (connection->error == NGTCP2_ERR_DRAINING)
        ngtcp2_conn_get_connection_close_error(connection->quic, &reason);
    printf("streams %" PRIu32 " 0x%" PRIx64 ", status %s, connection 0x%" PRIx64 "\n", n_ended, stream_error,
           last_status, reason.error_code);
}

static int run(struct trale *runtime, const char *server)
{
    struct trale_address remote, own;
    int r = trale_address_parse(server, &remote);
    if (r == 0)
        r = trale_address_parse("127.0.0.1:0", &own);
    endpoint.runtime = runtime;
    if (r == 0)
        r = trale_random_fill(runtime, endpoint.secret, sizeof endpoint.secret);
    if (r == 0)
        r = endpoint_open(&endpoint, &own);
    if (r < 0)
        return r;
    const ngtcp2_path path = {.local = {&endpoint.local.any, trale_address_length(&endpoint.local)},
                              .remote = {&remote.any, trale_address_length(&remote)}};
    if (connection_connect(&endpoint, &path) == NULL)
        return -ENOMEM;
    return (int)trale_join(trale_spawn(runtime, endpoint_run, .endpoint = &endpoint));
}

int main(int argc, char **argv)
{
    static const struct application application = {
        .http = {.stream_close = closed, .recv_data = data, .recv_header = field}, .ready = go_on, .ended = ended};
    struct trale *runtime;
    if (argc != 4 || tls_new_client(&endpoint.tls, argv[2], "localhost") < 0 || trale_open(&runtime, NULL) < 0)
        return 2;
    kind = argv[1];
    n_left = strcmp(kind, "slow") == 0 ? 50 : strcmp(kind, "reset") == 0 ? 300 : strcmp(kind, "fields") == 0 ? 1 : 5;
    endpoint.application = &application;
    endpoint.window = 256u << 10;
    endpoint.limits.idle_ns = endpoint.limits.handshake_ns = 30 * TRALE_SECOND;
    endpoint.is_stopping = true;
    int r = run(runtime, argv[3]);
    trale_close(runtime);
    endpoint.socket = NULL;
    endpoint_close(&endpoint);
    tls_release(endpoint.tls);
    return r < 0 ? 1 : 0;
}
