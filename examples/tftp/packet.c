/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* strnlen(3), strcasecmp(3) */

#include "packet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static uint16_t get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Takes a string that ends with a NUL off the beginning. NULL: there is no NUL. */
static const char *take_string(const uint8_t **bytes, size_t *size)
{
    const char *string = (const char *)*bytes;
    size_t length = strnlen(string, *size);
    if (length == *size)
        return NULL;
    *bytes += length + 1;
    *size -= length + 1;
    return string;
}

/* Reads a decimal number. A number beyond 64 bits is UINT64_MAX. */
static bool read_number(const char *text, uint64_t *number)
{
    *number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    return true;
}

static uint32_t at_most(uint64_t number, uint32_t limit)
{
    return number < limit ? (uint32_t)number : limit;
}

static void read_option(struct tftp_options *options, const char *name, uint64_t value)
{
    static const char *const names[] = {"blksize", "timeout", "tsize", "windowsize"}; /* in the order of their bits */
    uint32_t bit = TFTP_BLKSIZE;
    for (size_t i = 0; i < 4 && strcasecmp(name, names[i]) != 0; i++)
        bit <<= 1;
    if ((options->have & bit) != 0)
        return;
    if (bit == TFTP_BLKSIZE && value >= TFTP_BLKSIZE_MIN)
        options->blksize = at_most(value, TFTP_BLKSIZE_MAX);
    else if (bit == TFTP_TIMEOUT && value >= 1 && value <= TFTP_TIMEOUT_MAX)
        options->timeout = (uint32_t)value;
    else if (bit == TFTP_TSIZE)
        options->tsize = value;
    else if (bit == TFTP_WINDOWSIZE && value >= 1)
        options->windowsize = at_most(value, TFTP_WINDOWSIZE_MAX);
    else
        return;
    options->have |= bit;
}

/* Pairs of names and values up to the end of the datagram. Zeros behind them, with which some clients fill the datagram
 * up, are names and values that are empty. */
static int read_options(struct tftp_options *options, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        uint64_t value;
        const char *name = take_string(&bytes, &size);
        const char *text = name != NULL && size > 0 ? take_string(&bytes, &size) : "";
        if (name == NULL || text == NULL)
            return -EBADMSG;
        if (read_number(text, &value))
            read_option(options, name, value);
    }
    return 0;
}

static int read_request(struct tftp_packet *packet, const uint8_t *bytes, size_t size)
{
    packet->name = take_string(&bytes, &size);
    const char *mode = packet->name != NULL ? take_string(&bytes, &size) : NULL;
    if (mode == NULL || packet->name[0] == '\0' || strlen(packet->name) >= TFTP_NAME_MAX)
        return -EBADMSG;
    if (strcasecmp(mode, "octet") == 0)
        packet->mode = TFTP_OCTET;
    else if (strcasecmp(mode, "netascii") == 0)
        packet->mode = TFTP_NETASCII;
    else
        return -EBADMSG;
    return read_options(&packet->options, bytes, size);
}

int tftp_read(struct tftp_packet *packet, const void *datagram, size_t size)
{
    const uint8_t *bytes = datagram;
    struct tftp_packet read = {0};
    int r = 0;
    if (size < 2)
        return -EBADMSG;
    read.opcode = (enum tftp_opcode)get16(bytes);
    if (read.opcode == TFTP_RRQ || read.opcode == TFTP_WRQ) {
        r = size <= TFTP_REQUEST_MAX ? read_request(&read, bytes + 2, size - 2) : -EBADMSG;
    } else if (read.opcode == TFTP_OACK) {
        r = size <= TFTP_REQUEST_MAX ? read_options(&read.options, bytes + 2, size - 2) : -EBADMSG;
    } else if (read.opcode >= TFTP_DATA && read.opcode <= TFTP_ERROR && size >= TFTP_HEADER) {
        read.number = get16(bytes + 2);
        read.data = bytes + TFTP_HEADER;
        read.size = size - TFTP_HEADER;
        if (read.opcode == TFTP_ERROR)
            read.size = strnlen((const char *)read.data, read.size);
    } else {
        r = -EBADMSG;
    }
    if (r == 0)
        *packet = read;
    return r;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* A packet that is being written, with room for TFTP_REQUEST_MAX bytes. */
struct writer {
    uint8_t *bytes;
    size_t size;
};

static void write16(struct writer *writer, uint16_t value)
{
    put16(writer->bytes + writer->size, value);
    writer->size += 2;
}

static void write_string(struct writer *writer, const char *string)
{
    size_t length = strlen(string);
    if (length >= TFTP_NAME_MAX)
        length = TFTP_NAME_MAX - 1;
    memcpy(writer->bytes + writer->size, string, length);
    writer->bytes[writer->size + length] = 0;
    writer->size += length + 1;
}

static void write_option(struct writer *writer, const char *name, uint64_t value)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, value);
    write_string(writer, name);
    write_string(writer, number);
}

static void write_options(struct writer *writer, const struct tftp_options *options)
{
    if ((options->have & TFTP_BLKSIZE) != 0)
        write_option(writer, "blksize", options->blksize);
    if ((options->have & TFTP_TIMEOUT) != 0)
        write_option(writer, "timeout", options->timeout);
    if ((options->have & TFTP_TSIZE) != 0)
        write_option(writer, "tsize", options->tsize);
    if ((options->have & TFTP_WINDOWSIZE) != 0)
        write_option(writer, "windowsize", options->windowsize);
}

size_t tftp_write_request(uint8_t *buf, enum tftp_opcode opcode, const char *name, enum tftp_mode mode,
                          const struct tftp_options *options)
{
    struct writer writer = {.bytes = buf};
    write16(&writer, (uint16_t)opcode);
    write_string(&writer, name);
    write_string(&writer, mode == TFTP_OCTET ? "octet" : "netascii");
    write_options(&writer, options);
    return writer.size;
}

size_t tftp_write_options(uint8_t *buf, const struct tftp_options *options)
{
    struct writer writer = {.bytes = buf};
    write16(&writer, TFTP_OACK);
    write_options(&writer, options);
    return writer.size;
}

size_t tftp_write_ack(uint8_t *buf, uint16_t number)
{
    struct writer writer = {.bytes = buf};
    write16(&writer, TFTP_ACK);
    write16(&writer, number);
    return writer.size;
}

size_t tftp_write_error(uint8_t *buf, enum tftp_error code, const char *message)
{
    struct writer writer = {.bytes = buf};
    write16(&writer, TFTP_ERROR);
    write16(&writer, (uint16_t)code);
    write_string(&writer, message);
    return writer.size;
}

void tftp_write_header(uint8_t *buf, uint16_t number)
{
    put16(buf, TFTP_DATA);
    put16(buf + 2, number);
}
