/* SPDX-License-Identifier: MIT
 *
 * pcapng (draft-ietf-opsawg-pcapng): blocks of 32-bit words in the byte order of the writer. Packets are IP packets
 * without a link layer (LINKTYPE_RAW), each at the time when it was sent. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <trale/address.h>

#include "core/base/text.h"
#include "core/view/view.h"

#define SECTION_HEADER 0x0a0d0d0au
#define INTERFACE_DESCRIPTION 1u
#define ENHANCED_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW 101u
#define OPTION_COMMENT 1u
#define OPTION_NAME 2u
#define OPTION_TIME_RESOLUTION 9u

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define UDP_HEADER 8u
#define PACKET_MAX (IPV6_HEADER + UDP_HEADER + 65535u)

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

static void set_16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* The sum of RFC 1071, added to another one. */
static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        sum += (i & 1) == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The header of IP, whose addresses are at its end. Returns its length. */
static size_t set_ip_header(uint8_t *header, const struct trale_address *from, const struct trale_address *to,
                            size_t length)
{
    const bool is_v4 = from->any.sa_family == AF_INET;
    const size_t size = is_v4 ? IPV4_HEADER : IPV6_HEADER;
    memset(header, 0, size);
    if (is_v4) {
        header[0] = 0x45;
        set_16(header + 2, (uint32_t)(size + length));
        header[8] = 64;
        header[9] = IPPROTO_UDP;
        memcpy(header + 12, &from->v4.sin_addr, 4);
        memcpy(header + 16, &to->v4.sin_addr, 4);
        set_16(header + 10, ~add_words(0, header, size));
    } else {
        header[0] = 0x60;
        set_16(header + 4, (uint32_t)length);
        header[6] = IPPROTO_UDP;
        header[7] = 64;
        memcpy(header + 8, &from->v6.sin6_addr, 16);
        memcpy(header + 24, &to->v6.sin6_addr, 16);
    }
    return size;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes written as hexadecimal digits; the number of bytes, at most `room`. */
static size_t read_hex(const char *text, uint8_t *bytes, size_t room)
{
    size_t n = 0;
    for (; n < room && hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0; text += 2)
        bytes[n++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
    return n;
}

/* The packet that a datagram was; 0: its addresses or its bytes are not known. */
static size_t make_packet(const struct event *sent, uint8_t packet[PACKET_MAX])
{
    const char *texts[2] = {event_field(sent, "from"), event_field(sent, "to")},
               *payload = event_field(sent, "payload");
    struct trale_address from, to;
    if (texts[0] == NULL || texts[1] == NULL || payload == NULL || trale_address_parse(texts[0], &from) < 0 ||
        trale_address_parse(texts[1], &to) < 0)
        return 0;
    from = trale_address_unmap(&from);
    to = trale_address_unmap(&to);
    if (from.any.sa_family != to.any.sa_family)
        return 0;
    const size_t header = from.any.sa_family == AF_INET ? IPV4_HEADER : IPV6_HEADER;
    uint8_t *udp = packet + header;
    const size_t length = UDP_HEADER + read_hex(payload, udp + UDP_HEADER, 65535 - IPV4_HEADER - UDP_HEADER);
    set_ip_header(packet, &from, &to, length);
    set_16(udp, trale_address_port(&from));
    set_16(udp + 2, trale_address_port(&to));
    set_16(udp + 4, (uint32_t)length);
    set_16(udp + 6, 0);
    /* The sum is also over the addresses, the protocol and the length. */
    const size_t addresses = from.any.sa_family == AF_INET ? 8 : 32;
    uint32_t sum = add_words(IPPROTO_UDP + (uint32_t)length, packet + header - addresses, addresses);
    sum = ~add_words(sum, udp, length) & 0xffff;
    set_16(udp + 6, sum != 0 ? sum : 0xffff);
    return header + length;
}

/* What became of it. */
static void describe(const struct datagram *datagram, struct text *comment)
{
    text_add(comment, "datagram %llu", (unsigned long long)datagram->number);
    const char *reason = datagram->lost != NULL ? event_field(datagram->lost, "reason") : NULL;
    if (reason != NULL)
        text_add(comment, ", lost: %s", reason);
    if (datagram->delivered != NULL)
        text_add(comment, ", delivered after %.6f ms",
                 (double)(datagram->delivered->time_ns - datagram->sent->time_ns) / 1e6);
}

int view_pcapng(const struct events *events, FILE *file)
{
    struct datagrams datagrams;
    uint8_t *packet = malloc(PACKET_MAX);
    int r = packet != NULL ? datagrams_find(&datagrams, events) : -ENOMEM;
    if (r < 0) {
        free(packet);
        return r;
    }
    put_header(file);
    for (size_t i = 0; i < events->n_items && r == 0; i++) {
        const struct event *event = &events->items[i];
        size_t length = strcmp(event->kind, "sent") == 0 ? make_packet(event, packet) : 0;
        if (length == 0)
            continue;
        struct text comment = {0};
        describe(datagrams_of(&datagrams, event), &comment);
        put_packet(file, event->time_ns, packet, length, text_chars(&comment));
        r = comment.is_cut ? -ENOMEM : 0;
        free(comment.chars);
    }
    datagrams_free(&datagrams);
    free(packet);
    return r;
}
