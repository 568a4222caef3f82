/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <trale/random.h>
#include <trale/timer.h>

#include "../service/log.h"
#include "endpoint.h"
#include "http3.h"

/* How long a client that waits is silent. A server does not know whether the client's new address is real, and sends no
 * more than three times what comes from there. Without this, a server that has lost its probes of the path would wait
 * for the client, and the client for the server. */
#define KEEP_ALIVE_NS (250 * NGTCP2_MILLISECONDS)

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
    settings->handshake_timeout = endpoint->limits.handshake_ns;
    settings->max_stream_window = settings->max_window = endpoint->window;
}

static void parameters_fill(ngtcp2_transport_params *parameters, const struct endpoint *endpoint)
{
    ngtcp2_transport_params_default(parameters);
    parameters->initial_max_stream_data_bidi_local = endpoint->window;
    parameters->initial_max_stream_data_bidi_remote = endpoint->window;
    parameters->initial_max_stream_data_uni = endpoint->window;
    parameters->initial_max_data = endpoint->window;
    parameters->initial_max_streams_bidi = endpoint->tls->is_server ? endpoint->limits.n_requests : 0;
    parameters->initial_max_streams_uni = 3;
    parameters->max_idle_timeout = endpoint->limits.idle_ns;
    parameters->active_connection_id_limit = 8;
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
    connection->credentials = tls_hold(endpoint->tls);
    connection->n_requests_max = (uint32_t)endpoint->limits.n_requests;
    connection->progress_ns = trale_now(endpoint->runtime);
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

static struct connection *connection_begin(struct connection *connection, const ngtcp2_cid *id, const ngtcp2_path *path)
{
    connection->peer = connection_remote(path);
    if (!connection->endpoint->tls->is_server)
        ngtcp2_conn_set_keep_alive_timeout(connection->quic, KEEP_ALIVE_NS);
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
    connection->has_retried = original != NULL;
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
    return connection_begin(connection, &id, path);
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
    return connection_begin(connection, &id, path);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void connection_log(const struct connection *connection)
{
    char text[TRALE_ADDRESS_TEXT] = "?";
    ngtcp2_connection_close_error reason = connection->reason;
    const char *by = "here";
    trale_address_format(&connection->peer, text, sizeof text);
    if (connection->error == NGTCP2_ERR_DRAINING) {
        ngtcp2_conn_get_connection_close_error(connection->quic, &reason);
        by = connection->was_reset ? "by a reset" : "by the peer";
    }
    bool is_good = reason.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION &&
                   reason.error_code == NGHTTP3_H3_NO_ERROR && !connection->was_reset;
    service_log(is_good ? LOG_DEBUG : LOG_INFO, "connection with %s: ended %s: %s (%s error 0x%" PRIx64 ")", text, by,
                connection->error != 0 ? ngtcp2_strerror(connection->error) : "done",
                reason.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION ? "HTTP/3" : "QUIC",
                reason.error_code);
}

void connection_free(struct connection *connection)
{
    struct endpoint *endpoint = connection->endpoint;
    if (connection->quic != NULL)
        connection_log(connection);
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
    tls_release(connection->credentials);
    free(connection);
}

void connection_fail(struct connection *connection, int error)
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

void connection_progress(struct connection *connection)
{
    connection->progress_ns = trale_now(connection->endpoint->runtime);
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
