/* SPDX-License-Identifier: MIT
 *
 * pcapng (draft-ietf-opsawg-pcapng): blocks of 32-bit words in the byte order of the writer. Packets are IP packets
 * without a link layer (LINKTYPE_RAW), each at the time when it was sent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/view/packet.h"
#include "core/view/view.h"

#define SECTION_HEADER 0x0a0d0d0au
#define INTERFACE_DESCRIPTION 1u
#define ENHANCED_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW 101u
#define OPTION_COMMENT 1u
#define OPTION_NAME 2u
#define OPTION_TIME_RESOLUTION 9u

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static void put_32(FILE *file, uint32_t word)
{
    fwrite(&word, sizeof word, 1, file);
}

static size_t padded(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

static void put_padded(FILE *file, const void *bytes, size_t length)
{
    static const char zeros[4];
    fwrite(bytes, 1, length, file);
    fwrite(zeros, 1, padded(length) - length, file);
}

static void put_option(FILE *file, uint32_t code, const void *bytes, size_t length)
{
    put_32(file, code | (uint32_t)length << 16);
    put_padded(file, bytes, length);
}

static size_t option_size(size_t length)
{
    return 4 + padded(length);
}

static void put_header(FILE *file)
{
    static const uint8_t nanoseconds = 9; /* 10^-9 */
    static const char name[] = "sim";
    const uint32_t section = 28;
    put_32(file, SECTION_HEADER);
    put_32(file, section);
    put_32(file, BYTE_ORDER_MAGIC);
    put_32(file, 1); /* version 1.0 */
    put_32(file, UINT32_MAX);
    put_32(file, UINT32_MAX); /* the length of the section is not given */
    put_32(file, section);

    const uint32_t interface = (uint32_t)(20 + option_size(sizeof name - 1) + option_size(1) + 4);
    put_32(file, INTERFACE_DESCRIPTION);
    put_32(file, interface);
    put_32(file, LINKTYPE_RAW);
    put_32(file, 0); /* no limit of the packets' length */
    put_option(file, OPTION_NAME, name, sizeof name - 1);
    put_option(file, OPTION_TIME_RESOLUTION, &nanoseconds, 1);
    put_32(file, 0);
    put_32(file, interface);
}

static void put_packet(FILE *file, uint64_t time_ns, const uint8_t *packet, size_t length, const char *comment)
{
    const size_t options = comment[0] != '\0' ? option_size(strlen(comment)) + 4 : 0;
    const uint32_t size = (uint32_t)(32 + padded(length) + options);
    put_32(file, ENHANCED_PACKET);
    put_32(file, size);
    put_32(file, 0); /* the interface */
    put_32(file, (uint32_t)(time_ns >> 32));
    put_32(file, (uint32_t)time_ns);
    put_32(file, (uint32_t)length);
    put_32(file, (uint32_t)length);
    put_padded(file, packet, length);
    if (options > 0) {
        put_option(file, OPTION_COMMENT, comment, strlen(comment));
        put_32(file, 0);
    }
    put_32(file, size);
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* What became of it. */
static void describe(const struct datagram *datagram, const char *what, struct text *comment)
{
    text_add(comment, "%s %llu", what, (unsigned long long)datagram->number);
    const char *reason = datagram->lost != NULL ? event_field(datagram->lost, "reason") : NULL;
    if (reason != NULL)
        text_add(comment, ", lost: %s", reason);
    if (datagram->delivered != NULL)
        text_add(comment, ", delivered after %.6f ms",
                 (double)(datagram->delivered->time_ns - datagram->sent->time_ns) / 1e6);
}

/* Writes the packet that was sent by this event, if it is one. 0 or -ENOMEM. */
static int put_event(FILE *file, const struct event *event, const struct datagrams *datagrams,
                     const struct datagrams *segments, uint8_t packet[PACKET_MAX])
{
    const int is_segment = strcmp(event->kind, "segment") == 0;
    if (!is_segment && strcmp(event->kind, "sent") != 0)
        return 0;
    const size_t length = is_segment ? packet_of_segment(event, packet) : packet_of_datagram(event, packet);
    if (length == 0)
        return 0;
    struct text comment = {0};
    if (is_segment)
        describe(datagrams_of(segments, event), "segment", &comment);
    else
        describe(datagrams_of(datagrams, event), "datagram", &comment);
    put_packet(file, event->time_ns, packet, length, text_chars(&comment));
    const int r = comment.is_cut ? -ENOMEM : 0;
    free(comment.chars);
    return r;
}

int view_pcapng(const struct events *events, FILE *file)
{
    struct datagrams datagrams = {0}, segments = {0};
    uint8_t *packet = malloc(PACKET_MAX);
    int r = packet != NULL ? datagrams_find(&datagrams, DATAGRAMS_UDP, events) : -ENOMEM;
    if (r == 0)
        r = datagrams_find(&segments, DATAGRAMS_SEGMENTS, events);
    if (r == 0)
        put_header(file);
    for (size_t i = 0; i < events->n_items && r == 0; i++)
        r = put_event(file, &events->items[i], &datagrams, &segments, packet);
    datagrams_free(&datagrams);
    datagrams_free(&segments);
    free(packet);
    return r;
}
