/* SPDX-License-Identifier: MIT
 *
 * The packets of TFTP (RFC 1350) and their options (RFC 2347): read and written, and nothing else. */
#ifndef TFTP_PACKET_H
#define TFTP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tftp_opcode {
    TFTP_RRQ = 1, /* a request to read: the client wants a file */
    TFTP_WRQ = 2, /* a request to write: the client has a file */
    TFTP_DATA = 3,
    TFTP_ACK = 4,
    TFTP_ERROR = 5,
    TFTP_OACK = 6, /* an acknowledgement of options */
};

enum tftp_mode { TFTP_OCTET, TFTP_NETASCII };

enum tftp_error {
    TFTP_UNDEFINED = 0, /* the message says what */
    TFTP_NOT_FOUND = 1,
    TFTP_ACCESS = 2,
    TFTP_FULL = 3,
    TFTP_ILLEGAL = 4,
    TFTP_STRANGER = 5, /* unknown transfer id */
    TFTP_EXISTS = 6,
    TFTP_OPTIONS = 8, /* the options were not agreed on (RFC 2347) */
};

/* Bits of tftp_options.have. */
#define TFTP_BLKSIZE 1u    /* RFC 2348 */
#define TFTP_TIMEOUT 2u    /* RFC 2349 */
#define TFTP_TSIZE 4u      /* RFC 2349 */
#define TFTP_WINDOWSIZE 8u /* RFC 7440 */

#define TFTP_BLKSIZE_DEFAULT 512u
#define TFTP_BLKSIZE_MIN 8u
#define TFTP_BLKSIZE_MAX 65464u
#define TFTP_TIMEOUT_MAX 255u      /* seconds */
#define TFTP_WINDOWSIZE_MAX 65535u /* blocks */

#define TFTP_HEADER 4u         /* of DATA: opcode and block number */
#define TFTP_REQUEST_MAX 1024u /* a request, an OACK or an ERROR that is longer is not one of ours */
#define TFTP_NAME_MAX 512u     /* of a file, with its NUL */

struct tftp_options {
    uint32_t have;
    uint32_t blksize;
    uint32_t timeout; /* seconds */
    uint32_t windowsize;
    uint64_t tsize; /* bytes */
};

/* What a datagram says. Pointers lead into the datagram. */
struct tftp_packet {
    enum tftp_opcode opcode;
    uint16_t number;             /* DATA, ACK: the block's; ERROR: a tftp_error, or another code */
    enum tftp_mode mode;         /* RRQ, WRQ */
    const char *name;            /* RRQ, WRQ: the file's, not empty, shorter than TFTP_NAME_MAX */
    struct tftp_options options; /* RRQ, WRQ, OACK */
    const uint8_t *data;         /* DATA: the block; ERROR: the message, without NUL */
    size_t size;                 /* of data */
};

/* Reads a datagram. An option that is not known, or whose value is no number or out of its range, is left out; one that
 * comes twice has its first value. A blksize or windowsize that is too large is the largest one, for the answer may
 * have a smaller one. 0; or -EBADMSG, and *packet is untouched. */
int tftp_read(struct tftp_packet *packet, const void *datagram, size_t size);

/* These write a packet into buf, which has room for TFTP_REQUEST_MAX bytes, and return its size. A name or message that
 * is too long is cut off. */
size_t tftp_write_request(uint8_t *buf, enum tftp_opcode opcode, const char *name, enum tftp_mode mode,
                          const struct tftp_options *options);
size_t tftp_write_options(uint8_t *buf, const struct tftp_options *options);
size_t tftp_write_ack(uint8_t *buf, uint16_t number);
size_t tftp_write_error(uint8_t *buf, enum tftp_error code, const char *message);
void tftp_write_header(uint8_t *buf, uint16_t number); /* TFTP_HEADER bytes, before a block */

#endif
