/* SPDX-License-Identifier: MIT
 *
 * What a connection does with packets and time. */
#include "connection.h"

#include <string.h>

#include "endpoint.h"
#include "http3.h"

#define CREDIT_MIN 100u /* bytes: room for a small packet */
#define CREDIT_NS (10 * NGTCP2_MILLISECONDS)

/* Packets may come for as long as the peer sends lost ones again (RFC 9000, 10.2). But without a socket none are
 * answered, so nothing is waited for that is only received. */
static void connection_set_deadline(struct connection *connection, uint64_t now_ns)
{
    bool waits = connection->state == CONNECTION_CLOSING ||
                 (connection->state == CONNECTION_DRAINING && !connection->endpoint->is_stopping);
    table_reschedule(&connection->endpoint->table, &connection->turn,
                     waits ? now_ns + 3 * ngtcp2_conn_get_pto(connection->quic) : 0);
}

/* When a server gives up a connection whose client keeps it but does nothing with it. */
static uint64_t connection_end_of_patience(const struct connection *connection)
{
    const struct endpoint *endpoint = connection->endpoint;
    return endpoint->tls->is_server ? connection->progress_ns + endpoint->limits.idle_ns : UINT64_MAX;
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

struct trale_address connection_remote(const ngtcp2_path *path)
{
    struct trale_address remote = {0};
    memcpy(&remote, path->remote.addr, path->remote.addrlen);
    return remote;
}

bool connection_may_move(const struct connection *connection, uint64_t n_timeouts, uint64_t now_ns)
{
    return connection->state == CONNECTION_OPEN &&
           now_ns >= connection->moved_ns + n_timeouts * ngtcp2_conn_get_pto(connection->quic);
}

/* Takes a packet of an open connection. One from a new address that comes too soon after the last move is lost. */
static int connection_take(struct connection *connection, const ngtcp2_path *path, const ngtcp2_pkt_info *info,
                           const uint8_t *packet, size_t size, uint64_t now_ns)
{
    struct trale_address from = connection_remote(path);
    if (!trale_address_equal(&from, &connection->peer) && !connection_may_move(connection, 2, now_ns))
        return 0;
    int r = ngtcp2_conn_read_pkt(connection->quic, path, info, packet, size, now_ns);
    struct trale_address peer = connection_remote(ngtcp2_conn_get_path(connection->quic));
    if (!trale_address_equal(&peer, &connection->peer)) {
        connection->moved_ns = now_ns;
        connection->is_peer_unproven = true;
        connection->n_from_peer = connection->n_to_peer = 0;
    }
    connection->n_from_peer += size;
    connection->peer = peer;
    return r;
}

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
    int r = connection_take(connection, path, &info, packet, size, now_ns);
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

/* Whether a packet more may be sent to an address that is not validated. ngtcp2 sees to that too; but 0.12.1 then stops
 * the timer of lost packets and never starts it again, so it must not come to that. */
static bool connection_has_credit(const struct connection *connection)
{
    return !connection->is_peer_unproven || connection->n_to_peer + CREDIT_MIN <= 3 * connection->n_from_peer;
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
    bool has_credit;
    while ((has_credit = connection_has_credit(connection)) && n_left > 0 && n > 0 &&
           (room = outbox_room(outbox, size)) != NULL) {
        n = connection_write_packet(connection, &path.path, &info, room, size, now_ns);
        if (n < 0)
            return (int)n;
        if (n > 0)
            outbox_add(outbox, (size_t)n, &path.path, info.ecn);
        connection->n_to_peer += (size_t)n;
        n_left -= (size_t)n < n_left ? (size_t)n : n_left;
    }
    ngtcp2_conn_update_pkt_tx_time(connection->quic, now_ns);
    uint64_t deadline_ns = ngtcp2_conn_get_expiry(connection->quic);
    if (!has_credit && deadline_ns < now_ns + CREDIT_NS)
        deadline_ns = now_ns + CREDIT_NS; /* or when the next packet comes */
    else if ((room == NULL && has_credit) || deadline_ns <= now_ns)
        deadline_ns = now_ns + 1; /* so that other connections come first */
    uint64_t end_ns = connection_end_of_patience(connection);
    table_reschedule(&connection->endpoint->table, &connection->turn, deadline_ns < end_ns ? deadline_ns : end_ns);
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
        if (now_ns >= connection_end_of_patience(connection))
            connection_end(connection, connection->n_requests > 0 ? NGHTTP3_H3_EXCESSIVE_LOAD : NGHTTP3_H3_NO_ERROR);
        else if (connection->is_leaving && connection->n_requests == 0 && connection->endpoint->tls->is_server)
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
