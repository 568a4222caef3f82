/* SPDX-License-Identifier: MIT
 *
 * Datagrams that come to an SNTP server, and to a client.
 *
 * Over: examples/sntp/packet.c */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "examples/sntp/packet.h"
#include "tests/fuzz/check.h"

static void serve(const uint8_t *bytes, size_t size)
{
    static const struct sntp_clock clock = {.stratum = 2, .precision = -20, .poll = 3, .reference_id = "LOCL"};
    uint8_t packet[SNTP_SIZE], refusal[SNTP_SIZE];
    if (sntp_look(bytes, size) != SNTP_REQUEST)
        return;
    CHECK(size >= SNTP_SIZE); /* so an answer is never larger than its request */
    CHECK((bytes[0] & 7) == 3 || (bytes[0] & 63) == 1 << 3);
    uint64_t nonce = 0;
    for (size_t i = 40; i < 48; i++)
        nonce = nonce << 8 | bytes[i];
    memcpy(packet, bytes, SNTP_SIZE);
    memcpy(refusal, bytes, SNTP_SIZE);
    sntp_answer(packet, &clock, 7);
    sntp_stamp(packet, 9);
    sntp_refuse(refusal, &clock, 7);
    sntp_stamp(refusal, 9);
    CHECK(sntp_look(packet, SNTP_SIZE) == SNTP_OTHER && sntp_look(refusal, SNTP_SIZE) == SNTP_OTHER); /* no loop */
    struct sntp_reading reading;
    bool is_ours = (bytes[0] >> 3 & 7) == 4;
    CHECK(sntp_read(&reading, packet, SNTP_SIZE, nonce) == (is_ours ? 0 : -EPROTO));
    CHECK(!is_ours || (reading.receive == 7 && reading.transmit == 9 && reading.stratum == 2));
    CHECK(sntp_read(&reading, refusal, SNTP_SIZE, nonce) == (is_ours ? -EBUSY : -EPROTO));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sntp_reading reading = {0};
    serve(bytes, size);
    if (sntp_read(&reading, bytes, size, 0) == 0)
        CHECK(reading.stratum >= 1 && reading.stratum <= SNTP_STRATUM_MAX && reading.leap < SNTP_LEAP_UNKNOWN);
    return 0;
}
