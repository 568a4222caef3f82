/* SPDX-License-Identifier: MIT */
#include "packet.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define UNIX_EPOCH UINT64_C(2208988800) /* seconds since 1900 */

enum { MODE_CLIENT = 3, MODE_SERVER = 4, VERSION = 4 };

/* Where the members are. */
enum {
    AT_HEAD = 0, /* leap: 2 bits, version: 3, mode: 3 */
    AT_STRATUM = 1,
    AT_POLL = 2,
    AT_PRECISION = 3,
    AT_ROOT_DELAY = 4,
    AT_ROOT_DISPERSION = 8,
    AT_REFERENCE_ID = 12,
    AT_REFERENCE = 16,
    AT_ORIGINATE = 24,
    AT_RECEIVE = 32,
    AT_TRANSMIT = 40
};

static void put(uint8_t *bytes, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0; value >>= 8)
        bytes[i] = (uint8_t)value;
}

static uint64_t get64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* --- times -------------------------------------------------------------------------------------------------------- */

uint64_t sntp_timestamp(uint64_t unix_ns)
{
    return (unix_ns / SECOND_NS + UNIX_EPOCH) << 32 | (unix_ns % SECOND_NS << 32) / SECOND_NS;
}

int64_t sntp_difference_ns(uint64_t later, uint64_t earlier)
{
    int64_t difference = (int64_t)(later - earlier);
    int64_t seconds = difference >> 32;
    return seconds * (int64_t)SECOND_NS + (int64_t)(((uint64_t)difference & UINT32_MAX) * SECOND_NS >> 32);
}

uint32_t sntp_short(uint64_t duration_ns)
{
    if (duration_ns >= 65536 * SECOND_NS)
        return UINT32_MAX;
    uint64_t rounded = ((duration_ns << 16) + SECOND_NS - 1) / SECOND_NS;
    return rounded < UINT32_MAX ? (uint32_t)rounded : UINT32_MAX;
}

/* --- the server --------------------------------------------------------------------------------------------------- */

enum sntp_kind sntp_look(const uint8_t *bytes, size_t size)
{
    if (size < SNTP_SIZE)
        return SNTP_CUT;
    int version = bytes[AT_HEAD] >> 3 & 7, mode = bytes[AT_HEAD] & 7;
    if (version == 1 && mode == 0)
        return SNTP_REQUEST; /* RFC 1059 has no modes in packets */
    return mode == MODE_CLIENT && version >= 1 && version <= VERSION ? SNTP_REQUEST : SNTP_OTHER;
}

void sntp_answer(uint8_t bytes[SNTP_SIZE], const struct sntp_clock *clock, uint64_t receive)
{
    bytes[AT_HEAD] = (uint8_t)(clock->leap << 6 | (bytes[AT_HEAD] & 7 << 3) | MODE_SERVER);
    bytes[AT_STRATUM] = clock->stratum; /* the poll interval stays that of the request */
    bytes[AT_PRECISION] = (uint8_t)clock->precision;
    put(bytes + AT_ROOT_DELAY, clock->root_delay, 4);
    put(bytes + AT_ROOT_DISPERSION, clock->root_dispersion, 4);
    memcpy(bytes + AT_REFERENCE_ID, clock->reference_id, 4);
    bool is_behind = sntp_difference_ns(receive, clock->reference) < 0; /* the clock was set back */
    put(bytes + AT_REFERENCE, is_behind ? receive : clock->reference, 8);
    memcpy(bytes + AT_ORIGINATE, bytes + AT_TRANSMIT, 8);
    put(bytes + AT_RECEIVE, receive, 8);
}

void sntp_refuse(uint8_t bytes[SNTP_SIZE], const struct sntp_clock *clock, uint64_t receive)
{
    sntp_answer(bytes, clock, receive);
    bytes[AT_HEAD] |= SNTP_LEAP_UNKNOWN << 6;
    bytes[AT_STRATUM] = 0;
    if ((int8_t)bytes[AT_POLL] < clock->poll)
        bytes[AT_POLL] = clock->poll;
    memcpy(bytes + AT_REFERENCE_ID, "RATE", 4);
}

void sntp_stamp(uint8_t bytes[SNTP_SIZE], uint64_t transmit)
{
    put(bytes + AT_TRANSMIT, transmit, 8);
}

/* --- the client --------------------------------------------------------------------------------------------------- */

void sntp_ask(uint8_t bytes[SNTP_SIZE], uint64_t nonce)
{
    memset(bytes, 0, SNTP_SIZE);
    bytes[AT_HEAD] = VERSION << 3 | MODE_CLIENT;
    put(bytes + AT_TRANSMIT, nonce, 8);
}

int sntp_read(struct sntp_reading *reading, const uint8_t *bytes, size_t size, uint64_t nonce)
{
    if (size < SNTP_SIZE || get64(bytes + AT_ORIGINATE) != nonce)
        return -ESTALE;
    if ((bytes[AT_HEAD] & 63) != (VERSION << 3 | MODE_SERVER))
        return -EPROTO;
    if (bytes[AT_STRATUM] == 0)
        return memcmp(bytes + AT_REFERENCE_ID, "RATE", 4) == 0 ? -EBUSY : -EPROTO;
    struct sntp_reading found = {.leap = bytes[AT_HEAD] >> 6,
                                 .stratum = bytes[AT_STRATUM],
                                 .receive = get64(bytes + AT_RECEIVE),
                                 .transmit = get64(bytes + AT_TRANSMIT)};
    if (found.leap == SNTP_LEAP_UNKNOWN || found.stratum > SNTP_STRATUM_MAX || found.transmit == 0)
        return -EPROTO;
    memcpy(found.reference_id, bytes + AT_REFERENCE_ID, 4);
    *reading = found;
    return 0;
}
