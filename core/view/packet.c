/* SPDX-License-Identifier: MIT */
#include "core/view/packet.h"

#include <stdbool.h>
#include <string.h>

#include <trale/address.h>

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define UDP_HEADER 8u
#define TCP_HEADER 20u

struct ends {
    struct trale_address from, to;
};

static void set_16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void set_32(uint8_t *bytes, uint32_t value)
{
    set_16(bytes, value >> 16);
    set_16(bytes + 2, value);
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
                            uint8_t protocol, size_t length)
{
    const bool is_v4 = from->any.sa_family == AF_INET;
    const size_t size = is_v4 ? IPV4_HEADER : IPV6_HEADER;
    memset(header, 0, size);
    if (is_v4) {
        header[0] = 0x45;
        set_16(header + 2, (uint32_t)(size + length));
        header[8] = 64;
        header[9] = protocol;
        memcpy(header + 12, &from->v4.sin_addr, 4);
        memcpy(header + 16, &to->v4.sin_addr, 4);
        set_16(header + 10, ~add_words(0, header, size));
    } else {
        header[0] = 0x60;
        set_16(header + 4, (uint32_t)length);
        header[6] = protocol;
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

/* Sets what is around a header of UDP or TCP and its bytes, `length` in all: the header of IP, and the sum, which is
 * also over the addresses, the protocol and the length. Returns the length of the packet. */
static size_t finish(uint8_t *packet, const struct ends *ends, uint8_t protocol, size_t sum_at, size_t length)
{
    const size_t header = set_ip_header(packet, &ends->from, &ends->to, protocol, length);
    const size_t addresses = ends->from.any.sa_family == AF_INET ? 8 : 32;
    uint8_t *inner = packet + header;
    set_16(inner, trale_address_port(&ends->from));
    set_16(inner + 2, trale_address_port(&ends->to));
    set_16(inner + sum_at, 0);
    uint32_t sum = add_words(protocol + (uint32_t)length, packet + header - addresses, addresses);
    sum = ~add_words(sum, inner, length) & 0xffff;
    set_16(inner + sum_at, sum != 0 ? sum : 0xffff);
    return header + length;
}

/* Reads the addresses, unmapped. Returns the length of the header of IP; 0: they are not known. */
static size_t read_ends(const struct event *sent, struct ends *ends)
{
    const char *texts[2] = {event_field(sent, "from"), event_field(sent, "to")};
    if (texts[0] == NULL || texts[1] == NULL || event_field(sent, "payload") == NULL ||
        trale_address_parse(texts[0], &ends->from) < 0 || trale_address_parse(texts[1], &ends->to) < 0)
        return 0;
    ends->from = trale_address_unmap(&ends->from);
    ends->to = trale_address_unmap(&ends->to);
    if (ends->from.any.sa_family != ends->to.any.sa_family)
        return 0;
    return ends->from.any.sa_family == AF_INET ? IPV4_HEADER : IPV6_HEADER;
}

size_t packet_of_datagram(const struct event *sent, uint8_t packet[PACKET_MAX])
{
    struct ends ends;
    const size_t header = read_ends(sent, &ends);
    if (header == 0)
        return 0;
    uint8_t *udp = packet + header;
    const size_t length = UDP_HEADER +
                          read_hex(event_field(sent, "payload"), udp + UDP_HEADER, 65535 - IPV4_HEADER - UDP_HEADER);
    set_16(udp + 4, (uint32_t)length);
    return finish(packet, &ends, IPPROTO_UDP, 6, length);
}

/* The bits of the header for the flags of the event, such as "SYN+ACK". */
static uint8_t read_flags(const char *text)
{
    static const struct {
        const char *word;
        uint8_t bit;
    } flags[] = {{"FIN", 1}, {"SYN", 2}, {"RST", 4}, {"ACK", 16}};
    uint8_t bits = 0;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (text != NULL && strstr(text, flags[i].word) != NULL)
            bits |= flags[i].bit;
    return bits;
}

/* The window is larger than the header can say: it is shifted, which the SYN of each side says (RFC 7323). */
#define WINDOW_SHIFT 7u

size_t packet_of_segment(const struct event *sent, uint8_t packet[PACKET_MAX])
{
    struct ends ends;
    const size_t header = read_ends(sent, &ends);
    if (header == 0)
        return 0;
    uint8_t *tcp = packet + header, flags = read_flags(event_field(sent, "flags"));
    const bool is_syn = (flags & 2) != 0;
    const size_t inner = TCP_HEADER + (is_syn ? 4 : 0);
    const uint64_t window = event_number(sent, "window") >> (is_syn ? 0 : WINDOW_SHIFT);
    memset(tcp, 0, inner);
    set_32(tcp + 4, (uint32_t)event_number(sent, "sequence"));
    set_32(tcp + 8, (flags & 16) != 0 ? (uint32_t)event_number(sent, "acknowledged") : 0);
    tcp[12] = (uint8_t)(inner / 4 << 4);
    tcp[13] = flags;
    set_16(tcp + 14, window < 65535 ? (uint32_t)window : 65535);
    if (is_syn)
        memcpy(tcp + TCP_HEADER, (const uint8_t[]){1, 3, 3, WINDOW_SHIFT}, 4); /* no operation, window scale */
    const size_t length = inner + read_hex(event_field(sent, "payload"), tcp + inner, 65535 - IPV4_HEADER - inner);
    return finish(packet, &ends, IPPROTO_TCP, 16, length);
}
