/* SPDX-License-Identifier: MIT */
#include "downloads.h"

#include <stdlib.h>
#include <string.h>

bool download_is_whole(const struct download *download)
{
    return download->is_done && download->status == 200 &&
           (!download->has_length || download->length == download->n_bytes);
}

/* Asks for the next ones, as many as the server allows at once. */
static int downloads_ask(struct connection *connection)
{
    struct downloads *all = connection->endpoint->context;
    for (size_t i = 0; i < all->n && !connection->is_leaving; i++) {
        struct download *download = &all->downloads[i];
        int64_t stream;
        if (download->is_asked)
            continue;
        if (ngtcp2_conn_open_bidi_stream(connection->quic, &stream, NULL) < 0)
            break;
        const nghttp3_nv fields[] = {http3_field(":method", "GET"), http3_field(":scheme", "https"),
                                     http3_field(":authority", all->authority), http3_field(":path", download->path)};
        int r = nghttp3_conn_submit_request(connection->http, stream, fields, 4, NULL, download);
        if (r < 0)
            return http3_failed(connection, r);
        download->is_asked = true;
        connection->n_requests++;
    }
    return 0;
}

/* --- callbacks of nghttp3 ----------------------------------------------------------------------------------------- */

static int field(nghttp3_conn *http, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                 uint8_t flags, void *context, void *request)
{
    struct download *download = request;
    nghttp3_vec text = nghttp3_rcbuf_get_buf(value);
    (void)http, (void)stream, (void)name, (void)flags, (void)context;
    uint64_t number = 0;
    for (size_t i = 0; i < text.len && text.base[i] >= '0' && text.base[i] <= '9'; i++)
        number = 10 * number + (uint64_t)(text.base[i] - '0'); /* nghttp3 has seen that it is a number */
    if (token == NGHTTP3_QPACK_TOKEN__STATUS) {
        download->status = (uint32_t)number;
    } else if (token == NGHTTP3_QPACK_TOKEN_CONTENT_LENGTH) {
        download->has_length = true;
        download->length = number;
    }
    return 0;
}

static int data(nghttp3_conn *http, int64_t stream, const uint8_t *bytes, size_t n, void *context, void *request)
{
    struct connection *connection = context;
    struct endpoint *endpoint = connection->endpoint;
    struct downloads *all = endpoint->context;
    struct download *download = request;
    (void)http;
    ngtcp2_conn_extend_max_stream_offset(connection->quic, stream, n);
    ngtcp2_conn_extend_max_offset(connection->quic, n);
    download->n_bytes += n;
    if (gnutls_hash(download->hash, bytes, n) < 0 ||
        (download->file != NULL && fwrite(bytes, 1, n, download->file) != n))
        return NGHTTP3_ERR_CALLBACK_FAILURE;
    if (all->move == MOVE_NONE || n < all->n_until_move) {
        all->n_until_move -= n;
        return 0;
    }
    all->n_until_move = all->move_every;
    endpoint->move = all->move;
    return 0;
}

static int end(nghttp3_conn *http, int64_t stream, void *context, void *request)
{
    struct download *download = request;
    (void)http, (void)stream, (void)context;
    download->is_done = true;
    return 0;
}

static int closed(nghttp3_conn *http, int64_t stream, uint64_t error, void *context, void *request)
{
    struct connection *connection = context;
    struct downloads *all = connection->endpoint->context;
    struct download *download = request;
    (void)http, (void)stream;
    if (download == NULL)
        return 0;
    download->is_done &= error == NGHTTP3_H3_NO_ERROR;
    if (--all->n_open == 0)
        connection_end(connection, NGHTTP3_H3_NO_ERROR);
    return 0;
}

/* GOAWAY: what was asked is answered; of the rest nothing is. */
static int leave(nghttp3_conn *http, int64_t first_refused, void *context)
{
    struct connection *connection = context;
    struct downloads *all = connection->endpoint->context;
    (void)http, (void)first_refused;
    if (connection->is_leaving)
        return 0;
    connection->is_leaving = true;
    for (size_t i = 0; i < all->n; i++)
        all->n_open -= !all->downloads[i].is_asked;
    if (all->n_open == 0)
        connection_end(connection, NGHTTP3_H3_NO_ERROR);
    return 0;
}

const struct application downloads_application = {
    .http = {.stream_close = closed, .recv_data = data, .recv_header = field, .end_stream = end, .shutdown = leave},
    .ready = downloads_ask,
};
