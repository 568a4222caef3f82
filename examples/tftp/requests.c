/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include <trale/udp_socket.h>

#include "server.h"

static uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t value = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        value = (value ^ bytes[i]) * UINT64_C(1099511628211);
    return value;
}

/* A free place among the clients. NULL: the request is ignored. It is, if it is that of a transfer which has not heard
 * from its client yet: the transfer itself sends its answer again. */
static struct client *find_place(struct server *server, const struct trale_address *from, uint64_t request)
{
    const struct tftp_settings *settings = &server->settings;
    struct client *place = NULL;
    size_t n_of_client = 0;
    for (size_t i = 0; i < server->n_clients; i++) {
        struct client *client = &server->clients[i];
        if (!client->is_used && place == NULL)
            place = client;
        if (!client->is_used || !rate_is_same_client(&client->address, from))
            continue;
        n_of_client++;
        if (client->request == request && trale_address_equal(&client->address, from) &&
            (client->conversation == NULL || client->conversation->n_heard == 0))
            return NULL;
    }
    return server->n_clients_used < settings->transfers && n_of_client < settings->client_transfers ? place : NULL;
}

/* A request to a group or by broadcast is ignored (RFC 1123, 4.2.3.5). */
static bool is_for_one(const struct trale_udp_info *info)
{
    const struct trale_address local = trale_address_unmap(&info->local);
    return (info->have & TRALE_UDP_INFO_LOCAL) != 0 && !trale_address_is_multicast(&local) &&
           !(local.any.sa_family == AF_INET && local.v4.sin_addr.s_addr == INADDR_BROADCAST);
}

static struct trale_address local_of(const struct trale_udp_info *info)
{
    struct trale_address local = trale_address_unmap(&info->local);
    if (local.any.sa_family == AF_INET6 && trale_address_is_link_local(&local))
        local.v6.sin6_scope_id = info->interface_index;
    return local;
}

static void refuse(struct requests *self)
{
    uint8_t error[TFTP_REQUEST_MAX];
    struct trale_udp_send send;
    self->info.have = TRALE_UDP_INFO_LOCAL;
    (void)trale_udp_try_send_info(&send, self->server->socket, error,
                                  tftp_write_error(error, TFTP_ILLEGAL, "illegal TFTP operation"), &self->recv.from,
                                  &self->info);
}

/* Whether the sender of a datagram may ask now. */
static bool may_ask(struct requests *self, uint64_t now_ns)
{
    char client[TRALE_ADDRESS_TEXT] = "?";
    enum rate_verdict verdict = rate_take(&self->server->rate, &self->recv.from, now_ns);
    if (verdict == RATE_EXCEEDED) {
        (void)trale_address_format(&self->recv.from, client, sizeof client);
        service_log(LOG_NOTICE, "%s asks too often", client);
    }
    return verdict == RATE_ALLOWED;
}

/* 0 or a negative errno, and nothing has begun. */
static int start_session(struct requests *self, struct client *place, const struct tftp_packet *packet)
{
    struct server *server = self->server;
    struct session_name name;
    memcpy(name.text, packet->name, strlen(packet->name) + 1);
    place->is_used = true;
    server->n_clients_used++;
    int r = trale_scope_spawn(server->scope, session, .server = server, .client = (size_t)(place - server->clients),
                              .peer = place->address, .local = local_of(&self->info), .opcode = packet->opcode,
                              .mode = packet->mode, .options = packet->options, .name = name);
    if (r < 0 && r != -ESHUTDOWN) {
        place->is_used = false;
        server->n_clients_used--;
    }
    return r;
}

/* Starts a transfer for a request that has come. Returns whether it does. */
static bool accept_request(struct requests *self, size_t size, uint64_t now_ns)
{
    struct tftp_packet packet;
    if (size < 2 || !is_for_one(&self->info) || !may_ask(self, now_ns))
        return false;
    if (self->bytes[0] != 0 || (self->bytes[1] != TFTP_RRQ && self->bytes[1] != TFTP_WRQ))
        return false;
    if (tftp_read(&packet, self->bytes, size) < 0) {
        refuse(self);
        return false;
    }
    const struct trale_address from = trale_address_unmap(&self->recv.from);
    const uint64_t request = hash(self->bytes, size);
    struct client *place = find_place(self->server, &from, request);
    if (place == NULL)
        return false;
    *place = (struct client){.address = from, .request = request};
    return start_session(self, place, &packet) == 0;
}

trale_async_extern(requests)
{
    trale_begin();
    for (;;) {
        trale_await(trale_race_in_order_of(
            &self->race, trale_notify_wait(&self->stop, &self->server->stop),
            trale_udp_recv_info(&self->recv, self->server->socket, self->bytes, sizeof self->bytes, &self->info)));
        if (trale_result() != 1)
            trale_return(0);
        const int64_t size = self->race.branch[1].result;
        if (size == -ECANCELED || size == -ECONNABORTED || size == -ESHUTDOWN)
            trale_return(size);
        if (size >= 0 && !accept_request(self, (size_t)size, trale_now(cx->runtime)))
            self->server->n_ignored++;
    }
}
