/* SPDX-License-Identifier: MIT */
#include "http3.h"

#include <string.h>

#include "endpoint.h"
#include "request.h"

int http3_failed(struct connection *connection, int error)
{
    ngtcp2_connection_close_error_set_application_error(&connection->reason,
                                                        nghttp3_err_infer_quic_app_error_code(error), NULL, 0);
    return NGTCP2_ERR_CALLBACK_FAILURE;
}

nghttp3_nv http3_field(const char *name, const char *value)
{
    return (nghttp3_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP3_NV_FLAG_NO_COPY_NAME};
}

/* --- callbacks of nghttp3 ----------------------------------------------------------------------------------------- */

/* Bytes that waited for those of another stream were taken now: the peer may send as many more. */
static int deferred_consume(nghttp3_conn *http, int64_t stream, size_t n_bytes, void *context, void *request)
{
    struct connection *connection = context;
    (void)http, (void)request;
    ngtcp2_conn_extend_max_stream_offset(connection->quic, stream, n_bytes);
    ngtcp2_conn_extend_max_offset(connection->quic, n_bytes);
    return 0;
}

static int stop_sending(nghttp3_conn *http, int64_t stream, uint64_t error, void *context, void *request)
{
    struct connection *connection = context;
    (void)http, (void)request;
    return ngtcp2_conn_shutdown_stream_read(connection->quic, stream, error) == 0 ? 0 : NGHTTP3_ERR_CALLBACK_FAILURE;
}

static int reset_stream(nghttp3_conn *http, int64_t stream, uint64_t error, void *context, void *request)
{
    struct connection *connection = context;
    (void)http, (void)request;
    return ngtcp2_conn_shutdown_stream_write(connection->quic, stream, error) == 0 ? 0 : NGHTTP3_ERR_CALLBACK_FAILURE;
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

static int bind_streams(struct connection *connection)
{
    int64_t control = -1, encoder = -1, decoder = -1;
    int r = ngtcp2_conn_open_uni_stream(connection->quic, &control, NULL);
    if (r == 0)
        r = ngtcp2_conn_open_uni_stream(connection->quic, &encoder, NULL);
    if (r == 0)
        r = ngtcp2_conn_open_uni_stream(connection->quic, &decoder, NULL);
    if (r < 0)
        return r;
    r = nghttp3_conn_bind_control_stream(connection->http, control);
    if (r == 0)
        r = nghttp3_conn_bind_qpack_streams(connection->http, encoder, decoder);
    return r < 0 ? http3_failed(connection, r) : 0;
}

int http3_open(struct connection *connection)
{
    const struct application *application = connection->endpoint->application;
    nghttp3_callbacks callbacks = application->http;
    callbacks.deferred_consume = deferred_consume;
    callbacks.stop_sending = stop_sending;
    callbacks.reset_stream = reset_stream;
    nghttp3_settings settings;
    nghttp3_settings_default(&settings);
    settings.max_field_section_size = REQUEST_FIELDS_MAX;
    settings.qpack_max_dtable_capacity = 4096;
    settings.qpack_blocked_streams = 16;

    int r;
    if (connection->endpoint->tls->is_server) {
        r = nghttp3_conn_server_new(&connection->http, &callbacks, &settings, nghttp3_mem_default(), connection);
        if (r == 0)
            nghttp3_conn_set_max_client_streams_bidi(connection->http, connection->n_requests_max);
    } else {
        r = nghttp3_conn_client_new(&connection->http, &callbacks, &settings, nghttp3_mem_default(), connection);
    }
    if (r < 0)
        return http3_failed(connection, r);
    r = bind_streams(connection);
    if (r == 0 && application->ready != NULL)
        r = application->ready(connection);
    return r;
}

int http3_read(struct connection *connection, int64_t stream, const uint8_t *data, size_t size, bool is_last)
{
    if (connection->http == NULL)
        return 0;
    nghttp3_ssize n_taken = nghttp3_conn_read_stream(connection->http, stream, data, size, is_last);
    if (n_taken < 0)
        return http3_failed(connection, (int)n_taken);
    ngtcp2_conn_extend_max_stream_offset(connection->quic, stream, (uint64_t)n_taken);
    ngtcp2_conn_extend_max_offset(connection->quic, (uint64_t)n_taken);
    return 0;
}

int http3_close_stream(struct connection *connection, int64_t stream, uint64_t error)
{
    if (connection->http != NULL) {
        int r = nghttp3_conn_close_stream(connection->http, stream, error);
        if (r < 0 && r != NGHTTP3_ERR_STREAM_NOT_FOUND)
            return http3_failed(connection, r);
    }
    return 0;
}

int http3_leave(struct connection *connection)
{
    int r = nghttp3_conn_submit_shutdown_notice(connection->http);
    if (r == 0)
        r = nghttp3_conn_shutdown(connection->http);
    return r < 0 ? http3_failed(connection, r) : 0;
}
