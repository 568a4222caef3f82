/* SPDX-License-Identifier: MIT */
#include "node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define N_COURIERS 4 /* data under way to one peer at a time */

static uint64_t value_of(size_t from, size_t to, uint32_t number)
{
    return (uint64_t)from << 48 | (uint64_t)to << 32 | number;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* Brings one value after the other to one peer. */
struct courier {
    struct trale_future future;
    struct node *node;
    size_t peer;
    uint32_t n_tries;
    uint8_t bytes[MESSAGE_SIZE];
    struct delivery delivery;
    struct trale_udp_send send;
    struct trale_oneshot_wait wait;
    struct trale_notify_wait progress;
    struct trale_timeout timeout;
    struct trale_sleep pause;
};

static void delivery_begin(struct node *node, struct delivery *delivery, size_t peer, uint32_t number)
{
    *delivery = (struct delivery){.peer = peer, .acknowledged = TRALE_ONESHOT};
    delivery->data = (struct message){.kind = MESSAGE_DATA,
                                      .session = node->journal.session,
                                      .number = number,
                                      .value = value_of(node->number, peer, number)};
    delivery->next = node->deliveries;
    node->deliveries = delivery;
}

static void delivery_end(struct node *node, struct delivery *delivery)
{
    struct delivery **at = &node->deliveries;
    while (*at != NULL && *at != delivery)
        at = &(*at)->next;
    if (*at != NULL)
        *at = delivery->next;
}

static void courier_close(struct courier *self)
{
    delivery_end(self->node, &self->delivery);
}

/* The next value for the peer that is not acknowledged; 0: there is none. */
static uint32_t node_next(struct node *node, size_t peer)
{
    while (node->next[peer] <= node->world->n_values) {
        uint32_t number = node->next[peer]++;
        if (!node->journal.peers[peer].is_acknowledged[number - 1])
            return number;
    }
    return 0;
}

trale_async_with(courier, courier_close)
{
    trale_begin();
    for (uint32_t number; (number = node_next(self->node, self->peer)) != 0;) {
        delivery_begin(self->node, &self->delivery, self->peer, number);
        message_write(&self->delivery.data, self->bytes);
        while (self->delivery.data.number - self->node->journal.peers[self->peer].oldest >= WINDOW)
            trale_try(trale_notify_wait(&self->progress, &self->node->progress));

        for (self->n_tries = 0;; self->n_tries++) {
            self->node->world->n_sent++;
            self->node->world->n_repeated += self->n_tries > 0;
            /* An error is a loss like any other: the next try may arrive. */
            trale_await(trale_udp_send_to(&self->send, self->node->socket, self->bytes, sizeof self->bytes,
                                          &self->node->world->addresses[self->peer]));
            trale_await(trale_timeout(&self->timeout, trale_oneshot_wait(&self->wait, &self->delivery.acknowledged),
                                      wait_ns(self->n_tries)));
            if (trale_result() != -ETIMEDOUT)
                break;
        }
        if (trale_result() < 0)
            trale_return(trale_result());
        delivery_end(self->node, &self->delivery);
        trale_try(trale_sleep(&self->pause, self->node->world->pause_ns));
    }
    trale_return(0);
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

static void node_note_acknowledged(struct node *node, size_t peer_number, uint32_t number)
{
    struct peer *peer = &node->journal.peers[peer_number];
    if (peer->is_acknowledged[number - 1])
        return;
    peer->is_acknowledged[number - 1] = true;
    while (peer->oldest <= node->world->n_values && peer->is_acknowledged[peer->oldest - 1])
        peer->oldest++;
    trale_notify_all(&node->progress);
    if (--node->world->n_unacknowledged == 0)
        trale_notify_one(&node->world->all_acknowledged);
}

static void node_take_acknowledgement(struct node *node, size_t peer, const struct message *message)
{
    for (struct delivery *delivery = node->deliveries; delivery != NULL; delivery = delivery->next) {
        if (delivery->peer == peer && acknowledges(message, &delivery->data)) {
            node_note_acknowledged(node, peer, delivery->data.number);
            trale_oneshot_send(&delivery->acknowledged, 0);
            return;
        }
    }
}

/* Applies a value that is new. 1: it is to be acknowledged; 0: it is not; or -EPROTO: it was applied before. */
static int node_take_data(struct node *node, size_t peer_number, const struct message *message)
{
    struct peer *peer = &node->journal.peers[peer_number];
    if (message->number > node->world->n_values ||
        message->value != value_of(peer_number, node->number, message->number))
        return 0;
    enum arrival arrival = window_arrive(&peer->window, message->session, message->number);
    node->world->n_duplicates += arrival == ARRIVAL_DUPLICATE;
    if (arrival == ARRIVAL_NEW && ++peer->n_applied[message->number - 1] > 1) {
        fprintf(stderr, "node %zu applied value %" PRIu32 " of node %zu twice\n", node->number, message->number,
                peer_number);
        return -EPROTO;
    }
    return arrival != ARRIVAL_BEYOND;
}

/* The node that sends from this address; n_nodes: none does. */
static size_t node_find_peer(const struct node *node, const struct trale_address *from)
{
    size_t peer = 0;
    while (peer < node->world->n_nodes && trale_address_compare(&node->world->addresses[peer], from) != 0)
        peer++;
    return peer;
}

/* Receives what comes to a node. */
trale_async(listener)
{
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->node->socket, self->bytes, sizeof self->bytes));
        if (trale_result() == -ECANCELED)
            trale_return(trale_result());
        struct message message;
        size_t peer = node_find_peer(self->node, &self->recv.from);
        if (trale_result() < 0 || peer == self->node->world->n_nodes ||
            !message_read(&message, self->bytes, (uint64_t)trale_result()))
            continue;
        if (message.kind == MESSAGE_ACKNOWLEDGE) {
            node_take_acknowledgement(self->node, peer, &message);
            continue;
        }
        int r = node_take_data(self->node, peer, &message);
        if (r < 0)
            trale_return(r);
        message.kind = MESSAGE_ACKNOWLEDGE;
        message_write(&message, self->bytes);
        if (r > 0)
            trale_await(
                trale_udp_send_to(&self->send, self->node->socket, self->bytes, MESSAGE_SIZE, &self->recv.from));
    }
}

/* --- the node ----------------------------------------------------------------------------------------------------- */

static void node_run_close(struct node_run *self)
{
    trale_future_drop(&self->scope.future);
    trale_udp_close(self->node->socket);
    self->node->socket = NULL;
}

trale_async(node_start)
{
    trale_begin();
    struct node *node = self->run->node;
    for (size_t peer = 0; peer < node->world->n_nodes; peer++)
        for (int i = 0; i < N_COURIERS && peer != node->number; i++)
            if (trale_scope_spawn(&self->run->scope, courier, .node = node, .peer = peer) < 0)
                trale_return(-ENOMEM);
    trale_await(trale_call(listener, &self->listener, .node = node));
    trale_return(trale_result());
}

trale_async_extern_with(node_run, node_run_close)
{
    trale_begin();
    struct node *node = self->node;
    struct trale_address *address = &node->world->addresses[node->number];
    node->deliveries = NULL;
    node->progress = (struct trale_notify)TRALE_NOTIFY;
    for (size_t peer = 0; peer < node->world->n_nodes; peer++)
        node->next[peer] = node->journal.peers[peer].oldest;
    int r = trale_udp_open_at(cx->runtime, address, 0, &node->socket);
    if (r == 0)
        r = trale_udp_local(node->socket, address); /* a node that begins again keeps its port */
    if (r < 0)
        trale_return(r);
    trale_await(trale_scope(&self->scope, trale_call(node_start, &self->start, .run = self)));
    trale_return(trale_result());
}
