/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include "link.h"
#include "list.h"

static struct segment *segment_new(struct world *world, struct connection *connection, uint32_t size)
{
    struct segment *segment = memory_take(&world->memory, sizeof *segment + size);
    if (segment == NULL)
        return NULL;
    *segment = (struct segment){.event = {.kind = EVENT_SEGMENT}, .connection = connection, .size = size};
    segment->number = ++world->n_segments;
    connection->n_users++;
    return segment;
}

void segment_free(struct world *world, struct segment *segment)
{
    list_remove(&segment->link);
    connection_leave(world, segment->connection);
    memory_give(&world->memory, segment, sizeof *segment + segment->size);
}

void segment_lose(struct world *world, struct segment *segment, enum trale_sim_loss reason)
{
    world->report->n_segments_lost++;
    log_event(world->log, LOG_SEGMENT_LOST, log_number("segment", (int64_t)segment->number),
              log_text("reason", trale_sim_loss_name(reason)));
    segment_free(world, segment);
}

/* As Wireshark writes them. */
static const char *flags_text(uint8_t flags)
{
    static const char *const texts[] = {"-", "FIN", "SYN", "FIN+SYN", "RST", "FIN+RST", "SYN+RST", "FIN+SYN+RST"};
    static const char *const acks[] = {"ACK",     "FIN+ACK",     "SYN+ACK",     "FIN+SYN+ACK",
                                       "RST+ACK", "FIN+RST+ACK", "SYN+RST+ACK", "FIN+SYN+RST+ACK"};
    return (flags & SEGMENT_ACK) != 0 ? acks[flags & 7] : texts[flags & 7];
}

static void segment_log(const struct world *world, const struct segment *segment)
{
    const struct log_field fields[] = {
        log_number("segment", (int64_t)segment->number),
        log_number("connection", (int64_t)segment->connection->number),
        log_address("from", &segment->from),
        log_address("to", &segment->to),
        log_text("flags", flags_text(segment->flags)),
        log_number("sequence", (int64_t)segment->sequence),
        log_number("acknowledged", (int64_t)segment->acknowledged),
        log_number("window", (int64_t)(segment->window_end - segment->acknowledged)),
        log_number("size", segment->size),
        log_hash(segment->bytes, segment->size),
        log_payload(segment->bytes, segment->size),
    };
    bool captures = world->log != NULL && world->log->captures;
    log_add(world->log, LOG_SEGMENT, fields, sizeof fields / sizeof fields[0] - !captures);
}

static void segment_send_copy(struct world *world, const struct segment *segment, uint64_t at_ns)
{
    struct segment *copy = segment_new(world, segment->connection, segment->size);
    if (copy == NULL)
        return;
    uint64_t number = copy->number;
    memcpy(copy, segment, sizeof *copy + copy->size);
    copy->number = number;
    copy->event = (struct event){.kind = EVENT_SEGMENT};
    copy->link = (struct trale_link){0};
    if (world_add(world, &copy->event, at_ns) < 0)
        segment_free(world, copy);
}

/* Puts it on its way. Takes it over. */
static void segment_depart(struct world *world, struct segment *segment)
{
    const bool v6 = segment->to.any.sa_family == AF_INET6;
    const struct trale_address from = host_identity(&segment->from), to = host_identity(&segment->to);
    world->report->n_segments++;
    segment_log(world, segment);
    if (segment->is_local) {
        list_append(&world->local_segments, &segment->link);
        return;
    }
    struct link *link = link_get(world, &from, &to);
    if (link == NULL) {
        segment_lose(world, segment, TRALE_SIM_LOST_QUEUE);
        return;
    }
    struct link_fate fate = link_decide_segment(world, link, segment->size + (v6 ? 72 : 52));
    if (fate.is_lost) {
        segment_lose(world, segment, fate.reason);
        return;
    }
    if (fate.copy_ns > 0)
        segment_send_copy(world, segment, fate.copy_ns);
    if (world_add(world, &segment->event, fate.arrives_ns) < 0)
        segment_lose(world, segment, TRALE_SIM_LOST_QUEUE);
}

void segment_send(struct world *world, const struct endpoint *endpoint, uint8_t flags, uint64_t sequence, uint32_t size)
{
    const struct endpoint_output *output = &endpoint->output;
    if (endpoint->connection == NULL)
        return;
    struct segment *segment = segment_new(world, endpoint->connection, size);
    if (segment == NULL)
        return; /* the world is full: it is lost */
    segment->host = endpoint->host;
    segment->from = endpoint->local;
    segment->to = endpoint->peer;
    segment->sequence = sequence;
    segment->acknowledged = endpoint->input.next;
    segment->window_end = endpoint->input.window_end;
    segment->side = endpoint->side;
    segment->flags = flags;
    segment->is_local = endpoint->is_local;
    if (size > 0)
        bytes_copy(&output->queue, sequence - (output->first > 0 ? output->first : 1), segment->bytes, size);
    segment_depart(world, segment);
}

void segment_refuse(struct world *world, const struct segment *refused)
{
    struct segment *segment = segment_new(world, refused->connection, 0);
    if (segment == NULL)
        return;
    segment->host = refused->host; /* it matters if that is also the one that it has reached */
    segment->from = refused->to;
    segment->to = refused->from;
    segment->sequence = refused->acknowledged;
    segment->acknowledged = segment->window_end = refused->sequence + refused->size +
                                                  (refused->flags & SEGMENT_SYN ? 1 : 0);
    segment->side = !refused->side;
    segment->flags = SEGMENT_RST | SEGMENT_ACK;
    segment->is_local = refused->is_local;
    segment_depart(world, segment);
}
