/* SPDX-License-Identifier: MIT */
#include "socket.h"

#include <string.h>

#include "list.h"

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

struct datagram *datagram_new(struct world *world, const void *bytes, uint32_t size)
{
    struct datagram *datagram = memory_take(&world->memory, sizeof *datagram + size);
    if (datagram == NULL)
        return NULL;
    memset(datagram, 0, sizeof *datagram);
    datagram->size = size;
    datagram->truesize = socket_truesize(size);
    if (size > 0)
        memcpy(datagram->bytes, bytes, size);
    return datagram;
}

void datagram_free(struct world *world, struct datagram *datagram)
{
    datagram_depart(world, datagram);
    memory_give(&world->memory, datagram, sizeof *datagram + datagram->size);
}

void datagram_depart(struct world *world, struct datagram *datagram)
{
    struct socket *sender = datagram->sender;
    if (sender == NULL)
        return;
    datagram->sender = NULL;
    sender->n_sending_bytes -= datagram->truesize;
    if (sender->is_closed && sender->n_sending_bytes == 0)
        world_give(world, sender, sizeof *sender);
    else if (sender->n_sending_bytes < sender->options.send_buffer / 2)
        socket_wake(sender, SOCKET_WRITABLE);
}

void datagram_lose(struct world *world, struct datagram *datagram, enum trale_sim_loss reason)
{
    world->report->n_lost[reason]++;
    log_event(world->log, LOG_LOST, log_number("datagram", (int64_t)datagram->number),
              log_text("reason", trale_sim_loss_name(reason)));
    datagram_free(world, datagram);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

struct socket *socket_new(struct world *world, struct host *host, sa_family_t family)
{
    struct socket *socket = world_alloc(world, sizeof *socket);
    if (socket == NULL)
        return NULL;
    socket->number = ++world->n_sockets;
    socket->host = host;
    socket->family = family;
    socket->options = (struct socket_options){
        .receive_buffer = SOCKET_BUFFER,
        .send_buffer = SOCKET_BUFFER,
        .ttl = 64,
        .multicast_ttl = 1,
        .mtu_discovery = 1, /* IP_PMTUDISC_WANT */
        .multicast_loop = true,
        .multicast_all = true,
        .multicast_all_v4 = family == AF_INET, /* what Linux begins with */
    };
    list_init(&socket->memberships);
    list_append(&host->sockets, &socket->host_link);
    return socket;
}

void socket_free(struct world *world, struct socket *socket)
{
    while (socket->first != NULL) {
        struct datagram *datagram = socket->first;
        socket->first = datagram->next;
        datagram_lose(world, datagram, TRALE_SIM_LOST_CLOSED);
    }
    list_remove(&socket->ready_link);
    list_remove(&socket->host_link);
    world_give(world, socket->errors, sizeof *socket->errors);
    socket->errors = NULL;
    socket->awaited = 0;
    socket->is_closed = true;
    if (socket->n_sending_bytes == 0)
        world_give(world, socket, sizeof *socket);
}

void socket_wake(struct socket *socket, uint32_t ready)
{
    ready &= socket->awaited;
    if (ready == 0)
        return;
    socket->ready |= ready;
    if (!list_has(&socket->ready_link))
        list_append(&socket->program->ready, &socket->ready_link);
}

void socket_fail(struct socket *socket, int32_t error)
{
    socket->error = error;
    socket_wake(socket, SOCKET_READABLE | SOCKET_WRITABLE);
}

/* --- the queue ---------------------------------------------------------------------------------------------------- */

#define JOINED_MAX 64u
#define JOINED_BYTES_MAX 65535u

/* Whether a datagram continues the last one of the queue: it has come at the same time from the same sender, behind
 * datagrams of one size that is not smaller. Within a host nothing joins what was not sent as one. */
static bool queue_joins(const struct socket *socket, const struct datagram *datagram)
{
    const struct datagram *last = socket->last;
    if (!socket->options.gro || last == NULL || last->arrives_ns != datagram->arrives_ns || datagram->size == 0)
        return false;
    if (datagram->train != last->train && datagram->is_local)
        return false;
    return last->size == last->segment_size && datagram->size <= last->segment_size && last->n_joined < JOINED_MAX &&
           last->n_joined * last->segment_size + datagram->size <= JOINED_BYTES_MAX && last->ttl == datagram->ttl &&
           last->traffic_class == datagram->traffic_class && trale_address_equal(&last->from, &datagram->from) &&
           trale_address_equal(&last->to, &datagram->to);
}

void socket_push(struct world *world, struct socket *socket, struct datagram *datagram)
{
    if (socket->n_queued_bytes > socket->options.receive_buffer) {
        socket->n_drops++;
        datagram_lose(world, datagram, TRALE_SIM_LOST_BUFFER);
        return;
    }
    world->report->n_delivered++;
    log_event(world->log, LOG_DELIVERED, log_number("datagram", (int64_t)datagram->number),
              log_number("socket", (int64_t)socket->number));
    datagram->joins = queue_joins(socket, datagram);
    datagram->n_joined = datagram->joins ? (uint8_t)(socket->last->n_joined + 1) : 1;
    datagram->segment_size = datagram->joins ? socket->last->segment_size : datagram->size;
    datagram->drops = socket->n_drops;
    datagram->next = NULL;
    socket->n_queued_bytes += datagram->truesize;
    if (socket->first == NULL)
        socket->first = datagram;
    else
        socket->last->next = datagram;
    socket->last = datagram;
    socket_wake(socket, SOCKET_READABLE);
}

void socket_pop(struct world *world, struct socket *socket)
{
    struct datagram *datagram = socket->first;
    socket->first = datagram->next;
    if (socket->first == NULL)
        socket->last = NULL;
    socket->n_queued_bytes -= datagram->truesize;
    socket->n_received++;
    world->report->n_received++;
    datagram_free(world, datagram);
}
