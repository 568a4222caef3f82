/* SPDX-License-Identifier: MIT */
#include "endpoint.h"

#include <errno.h>
#include <stdlib.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#define SOCKET_BUFFER (2 << 20) /* asked for; the system has a limit of its own */

/* --- the socket --------------------------------------------------------------------------------------------------- */

/* What the system does not know is done without: each packet is then a datagram of its own, and has no ECN. */
static int socket_open(struct endpoint *endpoint, const struct trale_address *local, struct trale_udp_socket **socket)
{
    int r = endpoint->inherits ? trale_udp_inherit(endpoint->runtime, "0", socket) : -ENOENT;
    if (r == -ENOENT || r == -EOPNOTSUPP) /* there is none; a simulation has none */
        r = trale_udp_open_at(endpoint->runtime, local, 0, socket);
    if (r < 0)
        return r;
    trale_udp_set(*socket, TRALE_UDP_INFO, TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TRAFFIC_CLASS);
    trale_udp_set(*socket, TRALE_UDP_MTU_DISCOVERY, TRALE_UDP_MTU_PROBE);
    trale_udp_set(*socket, TRALE_UDP_RECEIVE_BUFFER, SOCKET_BUFFER);
    trale_udp_set(*socket, TRALE_UDP_SEND_BUFFER, SOCKET_BUFFER);
    if (endpoint->offloads)
        trale_udp_set(*socket, TRALE_UDP_GRO, 1);
    return 0;
}

int endpoint_open(struct endpoint *endpoint, const struct trale_address *local)
{
    int r = socket_open(endpoint, local, &endpoint->socket);
    if (r == 0)
        r = trale_udp_local(endpoint->socket, &endpoint->local);
    if (r < 0)
        return r;
    endpoint->wake = (struct trale_notify)TRALE_NOTIFY;
    endpoint->outbox.joins = endpoint->offloads;
    endpoint->outbox.sets_local = endpoint->tls->is_server && trale_address_is_unspecified(&endpoint->local);
    size_t n = endpoint->offloads ? 8 : TRALE_UDP_BATCH;
    for (size_t i = 0; i < n; i++)
        endpoint->inbox[i] = (struct trale_datagram){
            .buf = endpoint->bytes + i * (INBOX_SIZE / n), .size = INBOX_SIZE / n, .info = &endpoint->infos[i]};
    return 0;
}

void endpoint_close(struct endpoint *endpoint)
{
    while (endpoint->connections != NULL)
        connection_free(endpoint->connections);
    table_free(&endpoint->table);
    rate_deinit(&endpoint->unproven);
    rate_deinit(&endpoint->proven);
    rate_deinit(&endpoint->answers);
    rate_deinit(&endpoint->requests);
    trale_udp_close(endpoint->socket);
    endpoint->socket = NULL;
}

static ngtcp2_path path_of(struct trale_address *local, const struct trale_address *remote)
{
    return (ngtcp2_path){.local = {&local->any, trale_address_length(local)},
                         .remote = {(struct sockaddr *)&remote->any, trale_address_length(remote)}};
}

static int connection_migrate(struct connection *connection, struct trale_address *local, uint64_t now_ns)
{
    const ngtcp2_path *old = ngtcp2_conn_get_path(connection->quic);
    const ngtcp2_path path = {.local = {&local->any, trale_address_length(local)}, .remote = old->remote};
    return ngtcp2_conn_initiate_immediate_migration(connection->quic, &path, now_ns);
}

/* Replaces the socket of a client. A migration may have to wait, for the end of the handshake or for an ID of the
 * peer's that was not used yet: then the request stays. */
static void endpoint_move(struct endpoint *endpoint, uint64_t now_ns)
{
    struct connection *connection = endpoint->connections;
    struct trale_udp_socket *socket;
    struct trale_address local;
    if (connection == NULL || !connection_may_move(connection, 4, now_ns) ||
        socket_open(endpoint, &endpoint->move_to, &socket) < 0)
        return;
    int r = trale_udp_local(socket, &local);
    if (r == 0 && endpoint->move == MOVE_MIGRATE)
        r = connection_migrate(connection, &local, now_ns);
    if (r < 0) {
        trale_udp_close(socket);
        return;
    }
    trale_udp_close(endpoint->socket);
    endpoint->socket = socket;
    if (endpoint->move == MOVE_MIGRATE)
        endpoint->local = local;
    endpoint->move = MOVE_NONE;
    endpoint->n_moves++;
    connection->moved_ns = now_ns;
    endpoint_schedule(endpoint, connection);
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

void endpoint_schedule(struct endpoint *endpoint, struct connection *connection)
{
    table_reschedule(&endpoint->table, &connection->turn, 0);
}

void endpoint_farewell(struct endpoint *endpoint, const struct connection *connection)
{
    uint8_t *room = outbox_room(&endpoint->outbox, connection->n_farewell);
    if (room == NULL)
        return;
    memcpy(room, connection->farewell, connection->n_farewell);
    outbox_add(&endpoint->outbox, connection->n_farewell, &connection->farewell_path.path, NGTCP2_ECN_NOT_ECT);
}

static void take_packet(struct endpoint *endpoint, const ngtcp2_path *path, uint32_t ecn, const uint8_t *packet,
                        size_t size, uint64_t now_ns)
{
    ngtcp2_version_cid ids;
    enum look_kind kind = look_at(&ids, packet, size);
    struct connection *connection = NULL;
    if (kind == LOOK_CONNECTION)
        connection = table_find(&endpoint->table, ids.dcid, ids.dcidlen);
    if (connection == NULL && !endpoint->tls->is_server)
        connection = endpoint->connections; /* a client has one; a reset looks like a packet with any ID */
    if (connection != NULL)
        connection_read(connection, path, ecn, packet, size, now_ns);
    else if (endpoint->tls->is_server && kind != LOOK_NOTHING)
        endpoint_accept(endpoint, &ids, kind, path, ecn, packet, size, now_ns);
}

static void take_datagram(struct endpoint *endpoint, struct trale_datagram *datagram, uint64_t now_ns)
{
    const struct trale_udp_info *info = datagram->info;
    struct trale_address local = endpoint->local;
    size_t size = datagram->length < datagram->size ? datagram->length : datagram->size;
    size_t segment_size = datagram->segment_size != 0 ? datagram->segment_size : size;
    if (endpoint->outbox.sets_local && (info->have & TRALE_UDP_INFO_LOCAL) != 0) {
        local = info->local;
        trale_address_set_port(&local, trale_address_port(&endpoint->local));
    }
    uint32_t ecn = (info->have & TRALE_UDP_INFO_TRAFFIC_CLASS) != 0 ? info->traffic_class & NGTCP2_ECN_MASK : 0;
    ngtcp2_path path = path_of(&local, &datagram->address);
    for (size_t i = 0; i < size; i += segment_size)
        take_packet(endpoint, &path, ecn, (const uint8_t *)datagram->buf + i,
                    size - i < segment_size ? size - i : segment_size, now_ns);
}

/* Lets the connections whose time has come write, as long as there is room. */
static void endpoint_write(struct endpoint *endpoint)
{
    uint64_t now_ns = trale_now(endpoint->runtime);
    struct turn *turn;
    if (endpoint->move != MOVE_NONE)
        endpoint_move(endpoint, now_ns);
    while ((turn = table_first(&endpoint->table)) != NULL && turn->deadline_ns <= now_ns &&
           outbox_room(&endpoint->outbox, NGTCP2_MAX_PMTUD_UDP_PAYLOAD_SIZE) != NULL)
        connection_turn((struct connection *)(void *)turn, &endpoint->outbox, now_ns);
}

static uint64_t endpoint_deadline(const struct endpoint *endpoint)
{
    const struct turn *first = table_first(&endpoint->table);
    return first != NULL ? first->deadline_ns : UINT64_MAX;
}

static struct trale_future *endpoint_send(struct endpoint_run *self)
{
    struct outbox *outbox = &self->endpoint->outbox;
    return trale_udp_send_batch(&self->send, self->endpoint->socket, &outbox->datagrams[self->n_sent],
                                outbox->n_datagrams - self->n_sent);
}

static struct trale_future *endpoint_wait(struct endpoint_run *self)
{
    struct endpoint *endpoint = self->endpoint;
    return trale_race_in_order_of(
        &self->race,
        trale_udp_recv_batch(&self->recv, endpoint->socket, endpoint->inbox, endpoint->offloads ? 8 : TRALE_UDP_BATCH),
        trale_notify_wait(&self->wake, &endpoint->wake), trale_sleep_until(&self->sleep, endpoint_deadline(endpoint)));
}

trale_async_extern(endpoint_run)
{
    trale_begin();
    for (;;) {
        endpoint_write(self->endpoint);
        for (self->n_sent = 0; self->n_sent < self->endpoint->outbox.n_datagrams;) {
            trale_await(endpoint_send(self));
            if (trale_result() == -ECANCELED)
                trale_return(trale_result());
            /* A packet that cannot be sent is lost, as others are; a probe of the path's MTU is meant to be. */
            self->endpoint->n_unsent += trale_result() < 0;
            self->n_sent += trale_result() < 0 ? 1 : (size_t)trale_result();
        }
        outbox_clear(&self->endpoint->outbox);
        if (self->endpoint->is_stopping && self->endpoint->connections == NULL)
            trale_return(0);
        trale_await(endpoint_wait(self));
        int64_t n = trale_result() == 0 ? self->race.branch[0].result : 0;
        if (n == -ECANCELED || n == -ECONNABORTED || n == -ESHUTDOWN)
            trale_return(n);
        uint64_t now_ns = trale_now(self->endpoint->runtime);
        for (int64_t i = 0; i < n; i++)
            take_datagram(self->endpoint, &self->endpoint->inbox[i], now_ns);
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void endpoint_stop(struct endpoint *endpoint)
{
    endpoint->is_stopping = true;
    for (struct connection *c = endpoint->connections; c != NULL; c = c->next)
        connection_leave(c);
    trale_notify_one(&endpoint->wake);
}

void endpoint_cut(struct endpoint *endpoint)
{
    endpoint->is_stopping = true;
    for (struct connection *c = endpoint->connections; c != NULL; c = c->next)
        connection_end(c, NGHTTP3_H3_NO_ERROR);
    trale_notify_one(&endpoint->wake);
}
