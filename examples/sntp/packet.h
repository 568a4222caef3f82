/* SPDX-License-Identifier: MIT
 *
 * Packets of SNTP (RFC 4330), the part of NTP (RFC 5905 7.3) that needs no state of peers. Knows no sockets and no
 * clock. A packet has 48 bytes; what follows, extension fields or a digest, is ignored.
 *
 * A timestamp has 64 bits: seconds since 1900, modulo 2^32, and 2^-32 of them. Differences are right within 68
 * years. */
#ifndef SNTP_PACKET_H
#define SNTP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define SNTP_SIZE 48
#define SNTP_STRATUM_MAX 15
#define SNTP_LEAP_UNKNOWN 3 /* the clock is not synchronized */

/* What a server says of its clock. */
struct sntp_clock {
    uint8_t leap;     /* 0; 1 or 2: the day's last minute has 61 or 59 seconds; SNTP_LEAP_UNKNOWN */
    uint8_t stratum;  /* 1: has a reference clock; up to SNTP_STRATUM_MAX: has it from such a server */
    int8_t precision; /* of the clock, in seconds, as a power of two */
    uint8_t poll;     /* how long a client that is refused should wait, in the same way */
    uint32_t root_delay, root_dispersion; /* to the reference clock, in 2^-16 seconds */
    uint8_t reference_id[4];
    /* The timestamp when the clock was set last. If a request is received before it, the clock was set back since, and
     * the answer has the time of the request: clients refuse a reference timestamp that is yet to come. */
    uint64_t reference;
};

/* The timestamp of a time on CLOCK_REALTIME, and the difference of two. */
uint64_t sntp_timestamp(uint64_t unix_ns);
int64_t sntp_difference_ns(uint64_t later, uint64_t earlier);

/* A duration in 2^-16 seconds, rounded up; at most 65,536 s. */
uint32_t sntp_short(uint64_t duration_ns);

/* --- the server --------------------------------------------------------------------------------------------------- */

enum sntp_kind {
    SNTP_REQUEST, /* of a client, in version 1 (also in mode 0) to 4: it is answered */
    SNTP_OTHER,   /* of another mode or version: control messages (6, 7) would let the server amplify a flood */
    SNTP_CUT,     /* It has fewer than 48 bytes. */
};

/* What a datagram of `size` bytes is. */
enum sntp_kind sntp_look(const uint8_t *bytes, size_t size);

/* Turns a request, in its place, into its answer, without the transmit timestamp; or into one that refuses, a
 * kiss-o'-death packet with the code RATE (RFC 5905 7.4). */
void sntp_answer(uint8_t bytes[SNTP_SIZE], const struct sntp_clock *clock, uint64_t receive);
void sntp_refuse(uint8_t bytes[SNTP_SIZE], const struct sntp_clock *clock, uint64_t receive);

/* Sets the transmit timestamp of an answer, right before it is sent. */
void sntp_stamp(uint8_t bytes[SNTP_SIZE], uint64_t transmit);

/* --- the client --------------------------------------------------------------------------------------------------- */

/* Writes a request of version 4. `nonce` takes the place of the transmit timestamp, which no server reads: it shows
 * which answer belongs to this request, and says nothing of the client's clock. */
void sntp_ask(uint8_t bytes[SNTP_SIZE], uint64_t nonce);

struct sntp_reading {
    uint8_t leap, stratum;
    uint8_t reference_id[4];
    uint64_t receive, transmit;
};

/* Reads a datagram. 0; -EBUSY: the server refuses, for the client asks too often; -ESTALE: it answers another request,
 * or none, and may be forged; -EPROTO: it answers this one as a client must not use it (RFC 4330 5). */
int sntp_read(struct sntp_reading *reading, const uint8_t *bytes, size_t size, uint64_t nonce);

#endif
