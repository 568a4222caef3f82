/* SPDX-License-Identifier: MIT
 *
 * Perfetto's trace format: a protobuf message Trace of TracePackets, written by hand, for it needs four kinds of field.
 * Each host is a process and each task a thread. A wait is a slice, from the poll that found nothing to the next one;
 * what happens at one time is an instant. An arrow is a flow: both ends have its number. */
#include <stdlib.h>
#include <string.h>

#include "core/view/tracks.h"
#include "core/view/view.h"

/* --- protobuf ----------------------------------------------------------------------------------------------------- */

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

#define MESSAGE_MAX 1024

/* A message that is made. What does not fit is cut: names are. */
struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t length;
};

static void put_varint(struct message *message, uint64_t value)
{
    do {
        message->bytes[message->length++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
}

static void put_key(struct message *message, uint32_t field, enum wire wire)
{
    put_varint(message, (uint64_t)field << 3 | wire);
}

static void put_number(struct message *message, uint32_t field, uint64_t value)
{
    put_key(message, field, WIRE_VARINT);
    put_varint(message, value);
}

static void put_fixed(struct message *message, uint32_t field, uint64_t value)
{
    put_key(message, field, WIRE_FIXED64);
    for (int i = 0; i < 8; i++)
        message->bytes[message->length++] = (uint8_t)(value >> 8 * i);
}

static void put_bytes(struct message *message, uint32_t field, const void *bytes, size_t length)
{
    put_key(message, field, WIRE_BYTES);
    put_varint(message, length);
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

#define NAME_MAX_ 200

static void put_text(struct message *message, uint32_t field, const char *text)
{
    size_t length = strlen(text);
    put_bytes(message, field, text, length < NAME_MAX_ ? length : NAME_MAX_);
}

static void put_message(struct message *message, uint32_t field, const struct message *inner)
{
    put_bytes(message, field, inner->bytes, inner->length);
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

enum { TRACE_PACKET = 1 };
enum { PACKET_TIMESTAMP = 8, PACKET_SEQUENCE = 10, PACKET_TRACK_EVENT = 11, PACKET_TRACK_DESCRIPTOR = 60 };
enum { DESCRIPTOR_UUID = 1, DESCRIPTOR_NAME = 2, DESCRIPTOR_PROCESS = 3, DESCRIPTOR_THREAD = 4, DESCRIPTOR_PARENT = 5 };
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum { EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_CATEGORY = 22, EVENT_NAME = 23, EVENT_FLOWS = 47, EVENT_FLOWS_END = 48 };
enum event_type { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3 };

static void write_packet(FILE *file, struct message *packet)
{
    struct message trace = {.length = 0};
    put_number(packet, PACKET_SEQUENCE, 1);
    put_message(&trace, TRACE_PACKET, packet);
    fwrite(trace.bytes, 1, trace.length, file);
}

/* Numbers of tracks: a host's is odd, a task's even. */
static uint64_t host_uuid(const struct track *track)
{
    return 2 * (uint64_t)track->host + 1;
}

static uint64_t task_uuid(const struct track *track)
{
    return 2 * (uint64_t)track->number + 2;
}

static void write_track(FILE *file, const struct tracks *tracks, const struct track *track)
{
    struct message packet = {.length = 0}, descriptor = {.length = 0}, part = {.length = 0};
    if (track->is_first_of_host) {
        put_number(&part, PROCESS_PID, track->host + 1);
        put_text(&part, PROCESS_NAME, tracks->hosts[track->host]);
        put_number(&descriptor, DESCRIPTOR_UUID, host_uuid(track));
        put_message(&descriptor, DESCRIPTOR_PROCESS, &part);
        put_message(&packet, PACKET_TRACK_DESCRIPTOR, &descriptor);
        write_packet(file, &packet);
        packet.length = descriptor.length = part.length = 0;
    }
    put_number(&part, THREAD_PID, track->host + 1);
    put_number(&part, THREAD_TID, track->number + 1);
    put_text(&part, THREAD_NAME, track->name);
    put_number(&descriptor, DESCRIPTOR_UUID, task_uuid(track));
    put_number(&descriptor, DESCRIPTOR_PARENT, host_uuid(track));
    put_message(&descriptor, DESCRIPTOR_THREAD, &part);
    put_message(&packet, PACKET_TRACK_DESCRIPTOR, &descriptor);
    write_packet(file, &packet);
}

/* `flow` 0: none. */
static void write_event(FILE *file, const struct track *track, uint64_t time_ns, enum event_type type, const char *name,
                        uint64_t flow, bool ends)
{
    struct message packet = {.length = 0}, event = {.length = 0};
    put_number(&event, EVENT_TYPE, type);
    put_number(&event, EVENT_TRACK, task_uuid(track));
    if (name != NULL) {
        put_text(&event, EVENT_CATEGORY, type == INSTANT ? "event" : "wait");
        put_text(&event, EVENT_NAME, name);
    }
    if (flow != 0)
        put_fixed(&event, ends ? EVENT_FLOWS_END : EVENT_FLOWS, flow);
    put_number(&packet, PACKET_TIMESTAMP, time_ns);
    put_message(&packet, PACKET_TRACK_EVENT, &event);
    write_packet(file, &packet);
}

/* --- the timeline ------------------------------------------------------------------------------------------------- */

/* Flows of datagrams are even, those of wakes odd. */
static uint64_t datagram_flow(const struct event *event)
{
    return 2 * (event_number(event, "datagram") + 1);
}

static void write_instant(FILE *file, const struct track *track, const struct event *event)
{
    char name[NAME_MAX_];
    size_t length = (size_t)snprintf(name, sizeof name, "%s", event->kind);
    const char *field = event->fields;
    for (size_t i = 0; i < event->n_fields; i++, field += strlen(field) + 1)
        if (strncmp(field, "payload=", 8) != 0 && strncmp(field, "hash=", 5) != 0 && length < sizeof name)
            length += (size_t)snprintf(name + length, sizeof name - length, " %s", field);
    bool is_sent = strcmp(event->kind, "sent") == 0, is_received = strcmp(event->kind, "received") == 0;
    write_event(file, track, event->time_ns, INSTANT, name, is_sent || is_received ? datagram_flow(event) : 0,
                is_received);
}

static void write_wait(FILE *file, struct track *track, const struct event *event)
{
    const char *type = event_field(event, "type"), *line = event_field(event, "line");
    char name[NAME_MAX_];
    snprintf(name, sizeof name, "%s%s%s", type != NULL ? type : "waits", line != NULL ? " line " : "",
             line != NULL ? line : "");
    write_event(file, track, event->time_ns, SLICE_BEGIN, name, 0, false);
    track->waits = event;
}

static void end_wait(FILE *file, struct track *track, const struct event *event, uint64_t flow)
{
    if (track->waits != NULL)
        write_event(file, track, event->time_ns, SLICE_END, NULL, flow, true);
    track->waits = NULL;
}

static void write_one(FILE *file, struct tracks *tracks, const struct event *event)
{
    struct track *track = tracks_of(tracks, event, event->task);
    if (strcmp(event->kind, "polled") == 0) {
        write_wait(file, track, event);
    } else if (strcmp(event->kind, "poll") == 0) {
        end_wait(file, track, event, 0);
        if (track->woken_by != 0)
            write_event(file, track, event->time_ns, INSTANT, "poll", 2 * track->woken_by + 1, true);
        track->woken_by = 0;
    } else if (strcmp(event->kind, "wake") == 0) {
        struct track *woken = tracks_of(tracks, event, event_number(event, "id"));
        if (event->task == 0 || woken->woken_by != 0)
            return;
        woken->woken_by = event->number;
        write_event(file, track, event->time_ns, INSTANT, "wake", 2 * event->number + 1, false);
    } else {
        write_instant(file, track, event);
    }
}

int view_perfetto(const struct events *events, FILE *file)
{
    struct tracks tracks;
    int r = tracks_find(&tracks, events);
    if (r < 0)
        return r;
    for (size_t i = 0; i < tracks.n_items; i++)
        write_track(file, &tracks, &tracks.items[i]);
    for (size_t i = 0; i < events->n_items; i++)
        write_one(file, &tracks, &events->items[i]);
    if (events->n_items > 0)
        for (size_t i = 0; i < tracks.n_items; i++)
            end_wait(file, &tracks.items[i], &events->items[events->n_items - 1], 0);
    tracks_free(&tracks);
    return 0;
}
