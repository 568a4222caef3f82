/* SPDX-License-Identifier: MIT
 *
 * What ngtcp2 asks of a connection: random numbers, IDs, and what to do with the bytes of streams. */
#include "connection.h"

#include <trale/random.h>

#include "endpoint.h"
#include "http3.h"

static void draw(uint8_t *bytes, size_t size, const ngtcp2_rand_ctx *context)
{
    /* Without random bytes the program has not begun; nothing here needs secrets. */
    if (trale_random_fill(context->native_handle, bytes, size) < 0)
        memset(bytes, 0, size);
}

static int draw_challenge(ngtcp2_conn *quic, uint8_t *data, void *context)
{
    struct connection *connection = context;
    (void)quic;
    return trale_random_fill(connection->endpoint->runtime, data, NGTCP2_PATH_CHALLENGE_DATALEN) < 0
               ? NGTCP2_ERR_CALLBACK_FAILURE
               : 0;
}

static int new_id(ngtcp2_conn *quic, ngtcp2_cid *id, uint8_t *token, size_t size, void *context)
{
    struct connection *connection = context;
    struct endpoint *endpoint = connection->endpoint;
    (void)quic;
    id->datalen = size;
    if (trale_random_fill(endpoint->runtime, id->data, size) < 0 || endpoint_reset_token(endpoint, id, token) < 0 ||
        table_add_id(&endpoint->table, id, connection, &connection->ids) < 0)
        return NGTCP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static int remove_id(ngtcp2_conn *quic, const ngtcp2_cid *id, void *context)
{
    struct connection *connection = context;
    (void)quic;
    table_remove_id(&connection->endpoint->table, id);
    return 0;
}

static int path_validated(ngtcp2_conn *quic, uint32_t flags, const ngtcp2_path *path,
                          ngtcp2_path_validation_result result, void *context)
{
    struct connection *connection = context;
    (void)quic, (void)flags, (void)path;
    if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) {
        connection->n_paths++;
        connection->endpoint->n_paths++;
        connection->is_peer_unproven = false;
    }
    return 0;
}

static int stateless_reset(ngtcp2_conn *quic, const ngtcp2_pkt_stateless_reset *reset, void *context)
{
    struct connection *connection = context;
    (void)quic, (void)reset;
    connection->was_reset = true;
    return 0;
}

/* --- the handshake ------------------------------------------------------------------------------------------------ */

/* A server may send when it has the keys for it, a client when the handshake is done. */
static int tx_key(ngtcp2_conn *quic, ngtcp2_crypto_level level, void *context)
{
    (void)quic;
    return level == NGTCP2_CRYPTO_LEVEL_APPLICATION ? http3_open(context) : 0;
}

static int handshake_completed(ngtcp2_conn *quic, void *context)
{
    (void)quic;
    return http3_open(context);
}

/* --- streams ------------------------------------------------------------------------------------------------------ */

static int stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t stream, uint64_t offset, const uint8_t *data,
                       size_t size, void *context, void *request)
{
    (void)quic, (void)offset, (void)request;
    return http3_read(context, stream, data, size, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
}

static int stream_acked(ngtcp2_conn *quic, int64_t stream, uint64_t offset, uint64_t size, void *context, void *request)
{
    struct connection *connection = context;
    (void)quic, (void)offset, (void)request;
    int r = connection->http != NULL ? nghttp3_conn_add_ack_offset(connection->http, stream, size) : 0;
    return r < 0 ? http3_failed(connection, r) : 0;
}

static int stream_open(ngtcp2_conn *quic, int64_t stream, void *context)
{
    struct connection *connection = context;
    (void)quic;
    connection->n_requests += ngtcp2_is_bidi_stream(stream) ? 1 : 0;
    connection_progress(connection);
    return 0;
}

static int stream_close(ngtcp2_conn *quic, uint32_t flags, int64_t stream, uint64_t error, void *context, void *request)
{
    struct connection *connection = context;
    (void)request;
    if ((flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) == 0)
        error = NGHTTP3_H3_NO_ERROR;
    if (ngtcp2_is_bidi_stream(stream)) {
        connection->n_requests--;
        connection_progress(connection);
        if (connection->endpoint->tls->is_server)
            ngtcp2_conn_extend_max_streams_bidi(quic, 1);
    }
    return http3_close_stream(connection, stream, error);
}

static int stream_reset(ngtcp2_conn *quic, int64_t stream, uint64_t size, uint64_t error, void *context, void *request)
{
    struct connection *connection = context;
    (void)quic, (void)size, (void)error, (void)request;
    int r = connection->http != NULL ? nghttp3_conn_shutdown_stream_read(connection->http, stream) : 0;
    return r < 0 ? http3_failed(connection, r) : 0;
}

static int stream_stopped(ngtcp2_conn *quic, int64_t stream, uint64_t error, void *context, void *request)
{
    return stream_reset(quic, stream, 0, error, context, request);
}

static int more_stream_data(ngtcp2_conn *quic, int64_t stream, uint64_t limit, void *context, void *request)
{
    struct connection *connection = context;
    (void)quic, (void)limit, (void)request;
    int r = connection->http != NULL ? nghttp3_conn_unblock_stream(connection->http, stream) : 0;
    return r < 0 ? http3_failed(connection, r) : 0;
}

static int more_requests(ngtcp2_conn *quic, uint64_t limit, void *context)
{
    struct connection *connection = context;
    (void)quic;
    if (connection->http != NULL)
        nghttp3_conn_set_max_client_streams_bidi(connection->http, limit);
    return 0;
}

static int more_own_requests(ngtcp2_conn *quic, uint64_t limit, void *context)
{
    struct connection *connection = context;
    const struct application *application = connection->endpoint->application;
    (void)quic, (void)limit;
    return connection->http != NULL && application->ready != NULL ? application->ready(connection) : 0;
}

#define SHARED                                                                                                         \
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb, .encrypt = ngtcp2_crypto_encrypt_cb,                        \
    .decrypt = ngtcp2_crypto_decrypt_cb, .hp_mask = ngtcp2_crypto_hp_mask_cb, .recv_stream_data = stream_data,         \
    .acked_stream_data_offset = stream_acked, .stream_open = stream_open, .stream_close = stream_close,                \
    .recv_stateless_reset = stateless_reset, .rand = draw, .get_new_connection_id = new_id,                            \
    .remove_connection_id = remove_id, .update_key = ngtcp2_crypto_update_key_cb, .path_validation = path_validated,   \
    .stream_reset = stream_reset, .extend_max_stream_data = more_stream_data,                                          \
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,                                                 \
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb, .get_path_challenge_data = draw_challenge,  \
    .stream_stop_sending = stream_stopped, .version_negotiation = ngtcp2_crypto_version_negotiation_cb

const ngtcp2_callbacks connection_client_callbacks = {
    SHARED,
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_retry = ngtcp2_crypto_recv_retry_cb,
    .handshake_completed = handshake_completed,
    .extend_max_local_streams_bidi = more_own_requests,
};

const ngtcp2_callbacks connection_server_callbacks = {
    SHARED,
    .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
    .recv_tx_key = tx_key,
    .extend_max_remote_streams_bidi = more_requests,
};
