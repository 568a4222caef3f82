/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/random.h>
#include <trale/timer.h>

#include "endpoint.h"
#include "http3.h"

/* --- opening ------------------------------------------------------------------------------------------------------ */

static ngtcp2_conn *quic_of(ngtcp2_crypto_conn_ref *owner)
{
    return ((struct connection *)owner->user_data)->quic;
}

static void settings_fill(ngtcp2_settings *settings, const struct endpoint *endpoint)
{
    ngtcp2_settings_default(settings);
    settings->initial_ts = trale_now(endpoint->runtime);
    settings->rand_ctx.native_handle = endpoint->runtime;
    settings->max_tx_udp_payload_size = NGTCP2_MAX_PMTUD_UDP_PAYLOAD_SIZE;
    settings->handshake_timeout = 10 * NGTCP2_SECONDS;
    settings->max_stream_window = settings->max_window = endpoint->window;
}

static void parameters_fill(ngtcp2_transport_params *parameters, const struct endpoint *endpoint)
{
    ngtcp2_transport_params_default(parameters);
    parameters->initial_max_stream_data_bidi_local = endpoint->window;
    parameters->initial_max_stream_data_bidi_remote = endpoint->window;
    parameters->initial_max_stream_data_uni = endpoint->window;
    parameters->initial_max_data = endpoint->window;
    parameters->initial_max_streams_bidi = endpoint->tls->is_server ? REQUESTS_MAX : 0;
    parameters->initial_max_streams_uni = 3;
    parameters->max_idle_timeout = endpoint->idle_ns;
    parameters->active_connection_id_limit = 7;
}

static struct connection *connection_new(struct endpoint *endpoint, ngtcp2_cid *id)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->endpoint = endpoint;
    connection->owner = (ngtcp2_crypto_conn_ref){quic_of, connection};
    ngtcp2_connection_close_error_default(&connection->reason);
    id->datalen = CONNECTION_ID_SIZE;
    if (trale_random_fill(endpoint->runtime, id->data, CONNECTION_ID_SIZE) < 0 ||
        tls_session_new(&connection->tls, endpoint->tls, &connection->owner) < 0) {
        free(connection);
        return NULL;
    }
    connection->next = endpoint->connections;
    connection->from = &endpoint->connections;
    if (connection->next != NULL)
        connection->next->from = &connection->next;
    endpoint->connections = connection;
    if (table_add(&endpoint->table, &connection->turn) == 0)
        return connection;
    connection->turn.position = SIZE_MAX;
    connection_free(connection);
    return NULL;
}

static struct connection *connection_begin(struct connection *connection, const ngtcp2_cid *id)
{
    ngtcp2_conn_set_tls_native_handle(connection->quic, connection->tls);
    if (table_add_id(&connection->endpoint->table, id, connection, &connection->ids) == 0)
        return connection;
    connection_free(connection);
    return NULL;
}

struct connection *connection_accept(struct endpoint *endpoint, const ngtcp2_pkt_hd *head, const ngtcp2_path *path,
                                     const ngtcp2_cid *original)
{
    ngtcp2_cid id;
    struct connection *connection = connection_new(endpoint, &id);
    if (connection == NULL)
        return NULL;
    ngtcp2_settings settings;
    ngtcp2_transport_params parameters;
    settings_fill(&settings, endpoint);
    parameters_fill(&parameters, endpoint);
    settings.token = head->token;
    parameters.original_dcid = original != NULL ? *original : head->dcid;
    parameters.retry_scid_present = original != NULL;
    parameters.retry_scid = head->dcid;
    parameters.stateless_reset_token_present = 1;
    if (endpoint_reset_token(endpoint, &id, parameters.stateless_reset_token) < 0 ||
        ngtcp2_conn_server_new(&connection->quic, &head->scid, &id, path, head->version, &connection_server_callbacks,
                               &settings, &parameters, NULL, connection) < 0 ||
        table_add_id(&endpoint->table, &head->dcid, connection, &connection->ids) < 0) {
        connection_free(connection);
        return NULL;
    }
    return connection_begin(connection, &id);
}

struct connection *connection_connect(struct endpoint *endpoint, const ngtcp2_path *path)
{
    ngtcp2_cid id, peer = {.datalen = CONNECTION_ID_SIZE};
    struct connection *connection = connection_new(endpoint, &id);
    if (connection == NULL)
        return NULL;
    ngtcp2_settings settings;
    ngtcp2_transport_params parameters;
    settings_fill(&settings, endpoint);
    parameters_fill(&parameters, endpoint);
    if (trale_random_fill(endpoint->runtime, peer.data, peer.datalen) < 0 ||
        ngtcp2_conn_client_new(&connection->quic, &peer, &id, path, NGTCP2_PROTO_VER_V1, &connection_client_callbacks,
                               &settings, &parameters, NULL, connection) < 0) {
        connection_free(connection);
        return NULL;
    }
    return connection_begin(connection, &id);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void connection_free(struct connection *connection)
{
    struct endpoint *endpoint = connection->endpoint;
    *connection->from = connection->next;
    if (connection->next != NULL)
        connection->next->from = connection->from;
    if (connection->turn.position != SIZE_MAX)
        table_remove(&endpoint->table, &connection->turn);
    if (endpoint->application->ended != NULL)
        endpoint->application->ended(connection);
    nghttp3_conn_del(connection->http);
    table_remove_ids(&endpoint->table, &connection->ids);
    ngtcp2_conn_del(connection->quic);
    gnutls_deinit(connection->tls);
    free(connection);
}

/* After an error of ngtcp2: says why to the peer, if the peer is to know. */
static void connection_fail(struct connection *connection, int error)
{
    connection->error = error;
    if (error == NGTCP2_ERR_DRAINING || error == NGTCP2_ERR_CLOSING) {
        connection->state = CONNECTION_DRAINING;
        return;
    }
    if (error == NGTCP2_ERR_DROP_CONN || error == NGTCP2_ERR_IDLE_CLOSE || error == NGTCP2_ERR_HANDSHAKE_TIMEOUT ||
        error == NGTCP2_ERR_RETRY || error == NGTCP2_ERR_RECV_VERSION_NEGOTIATION) {
        connection->state = CONNECTION_OVER;
        return;
    }
    connection->state = CONNECTION_ENDING;
    if (error == NGTCP2_ERR_CRYPTO)
        ngtcp2_connection_close_error_set_transport_error_tls_alert(
            &connection->reason, ngtcp2_conn_get_tls_alert(connection->quic), NULL, 0);
    else if (error != NGTCP2_ERR_CALLBACK_FAILURE)
        ngtcp2_connection_close_error_set_transport_error_liberr(&connection->reason, error, NULL, 0);
}

void connection_end(struct connection *connection, uint64_t http_error)
{
    if (connection->state != CONNECTION_OPEN)
        return;
    ngtcp2_connection_close_error_set_application_error(&connection->reason, http_error, NULL, 0);
    connection->state = CONNECTION_ENDING;
    endpoint_schedule(connection->endpoint, connection);
}

void connection_leave(struct connection *connection)
{
    if (connection->state == CONNECTION_DRAINING)
        endpoint_schedule(connection->endpoint, connection);
    if (connection->state != CONNECTION_OPEN || connection->is_leaving)
        return;
    connection->is_leaving = true;
    int error = connection->http != NULL ? http3_leave(connection) : 0;
    if (error < 0)
        connection_fail(connection, error);
    else if (connection->http == NULL)
        connection_end(connection, NGHTTP3_H3_NO_ERROR);
    endpoint_schedule(connection->endpoint, connection);
}

/* Packets may come for as long as the peer sends lost ones again (RFC 9000, 10.2). But without a socket none are
 * answered, so nothing is waited for that is only received. */
static void connection_set_deadline(struct connection *connection, uint64_t now_ns)
{
    bool waits = connection->state == CONNECTION_CLOSING ||
                 (connection->state == CONNECTION_DRAINING && !connection->endpoint->is_stopping);
    table_reschedule(&connection->endpoint->table, &connection->turn,
                     waits ? now_ns + 3 * ngtcp2_conn_get_pto(connection->quic) : 0);
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

void connection_read(struct connection *connection, const ngtcp2_path *path, uint32_t ecn, const uint8_t *packet,
                     size_t size, uint64_t now_ns)
{
    const ngtcp2_pkt_info info = {.ecn = ecn};
    if (connection->state == CONNECTION_CLOSING) {
        uint64_t n = ++connection->n_late;
        if ((n & (n - 1)) == 0)
            endpoint_farewell(connection->endpoint, connection);
    }
    if (connection->state != CONNECTION_OPEN)
        return;
    int r = ngtcp2_conn_read_pkt(connection->quic, path, &info, packet, size, now_ns);
    if (r < 0)
        connection_fail(connection, r);
    connection_set_deadline(connection, now_ns);
}

/* Writes one packet: its size; 0, there is nothing to send, or not yet; or an error of ngtcp2. */
static ngtcp2_ssize connection_write_packet(struct connection *connection, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                            uint8_t *packet, size_t size, uint64_t now_ns)
{
    for (;;) {
        nghttp3_vec bytes[16];
        nghttp3_ssize n_vectors = 0;
        ngtcp2_ssize n_taken = -1;
        int64_t stream = -1;
        int is_last = 0;
        if (connection->http != NULL && ngtcp2_conn_get_max_data_left(connection->quic) > 0)
            n_vectors = nghttp3_conn_writev_stream(connection->http, &stream, &is_last, bytes, 16);
        if (n_vectors < 0)
            return http3_failed(connection, (int)n_vectors);
        uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE | (is_last ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0);
        static_assert(sizeof(nghttp3_vec) == sizeof(ngtcp2_vec), "the same type by two names");
        ngtcp2_ssize n = ngtcp2_conn_writev_stream(connection->quic, path, info, packet, size, &n_taken, flags, stream,
                                                   (const ngtcp2_vec *)(const void *)bytes, (size_t)n_vectors, now_ns);
        int r = 0;
        if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED)
            nghttp3_conn_block_stream(connection->http, stream);
        else if (n == NGTCP2_ERR_STREAM_SHUT_WR)
            nghttp3_conn_shutdown_stream_write(connection->http, stream);
        else if (n == NGTCP2_ERR_WRITE_MORE || (n >= 0 && n_taken >= 0))
            r = nghttp3_conn_add_write_offset(connection->http, stream, (size_t)n_taken);
        if (r < 0)
            return http3_failed(connection, r);
        if (n >= 0 ||
            (n != NGTCP2_ERR_STREAM_DATA_BLOCKED && n != NGTCP2_ERR_STREAM_SHUT_WR && n != NGTCP2_ERR_WRITE_MORE))
            return n;
    }
}

/* Writes as much as may be sent at once, and sets the deadline of the rest. */
static int connection_write(struct connection *connection, struct outbox *outbox, uint64_t now_ns)
{
    size_t n_left = ngtcp2_conn_get_send_quantum(connection->quic);
    const size_t size = NGTCP2_MAX_PMTUD_UDP_PAYLOAD_SIZE;
    ngtcp2_path_storage path;
    ngtcp2_pkt_info info;
    ngtcp2_ssize n = 1;
    ngtcp2_path_storage_zero(&path);
    uint8_t *room = NULL;
    while (n_left > 0 && n > 0 && (room = outbox_room(outbox, size)) != NULL) {
        n = connection_write_packet(connection, &path.path, &info, room, size, now_ns);
        if (n < 0)
            return (int)n;
        if (n > 0)
            outbox_add(outbox, (size_t)n, &path.path, info.ecn);
        n_left -= (size_t)n < n_left ? (size_t)n : n_left;
    }
    ngtcp2_conn_update_pkt_tx_time(connection->quic, now_ns);
    uint64_t deadline_ns = ngtcp2_conn_get_expiry(connection->quic);
    if (room == NULL || deadline_ns <= now_ns)
        deadline_ns = now_ns + 1; /* so that other connections come first */
    table_reschedule(&connection->endpoint->table, &connection->turn, deadline_ns);
    return 0;
}

/* Writes the packet that ends the connection, and keeps it for the time in which packets may still come. */
static void connection_write_end(struct connection *connection, uint64_t now_ns)
{
    ngtcp2_path_storage_zero(&connection->farewell_path);
    ngtcp2_ssize n = ngtcp2_conn_write_connection_close(connection->quic, &connection->farewell_path.path, NULL,
                                                        connection->farewell, sizeof connection->farewell,
                                                        &connection->reason, now_ns);
    connection->n_farewell = n > 0 ? (size_t)n : 0;
    connection->state = n > 0 ? CONNECTION_CLOSING : CONNECTION_OVER;
    if (n > 0)
        endpoint_farewell(connection->endpoint, connection);
}

void connection_turn(struct connection *connection, struct outbox *outbox, uint64_t now_ns)
{
    if (connection->state == CONNECTION_OPEN) {
        int r = 0;
        if (connection->is_leaving && connection->n_requests == 0 && connection->endpoint->tls->is_server)
            connection_end(connection, NGHTTP3_H3_NO_ERROR);
        else if (ngtcp2_conn_get_expiry(connection->quic) <= now_ns)
            r = ngtcp2_conn_handle_expiry(connection->quic, now_ns);
        if (r == 0 && connection->state == CONNECTION_OPEN)
            r = connection_write(connection, outbox, now_ns);
        if (r < 0)
            connection_fail(connection, r);
        if (connection->state == CONNECTION_OPEN)
            return;
    } else if (connection->state == CONNECTION_CLOSING || connection->state == CONNECTION_DRAINING) {
        connection->state = CONNECTION_OVER; /* its time is up */
    }
    if (connection->state == CONNECTION_ENDING)
        connection_write_end(connection, now_ns);
    if (connection->state == CONNECTION_DRAINING && connection->endpoint->is_stopping)
        connection->state = CONNECTION_OVER;
    if (connection->state == CONNECTION_OVER)
        connection_free(connection);
    else
        connection_set_deadline(connection, now_ns);
}
