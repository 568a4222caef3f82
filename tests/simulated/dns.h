/* SPDX-License-Identifier: MIT
 *
 * The names that dns_client asks for, and the addresses that dns_server gives them: "n17.example." has the address
 * 10.17.0.0, and so on. Messages are those of RFC 1035. */
#ifndef TESTS_SIMULATED_DNS_H
#define TESTS_SIMULATED_DNS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DNS_HEADER 12u
#define DNS_RECORD 16u
#define DNS_NAMES 65536u

struct dns_message {
    size_t size;
    uint8_t bytes[512];
};

/* The question for the address of that name. */
static inline void dns_make_query(struct dns_message *message, uint16_t id, uint32_t number)
{
    char label[16];
    int length = snprintf(label, sizeof label, "n%u", number);
    const uint8_t header[DNS_HEADER] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
    memcpy(message->bytes, header, sizeof header);
    uint8_t *at = message->bytes + sizeof header;
    *at++ = (uint8_t)length;
    memcpy(at, label, (size_t)length);
    memcpy(at + length, "\7example\0\0\1\0\1", 13);
    message->size = sizeof header + 1 + (size_t)length + 13;
}

/* Makes of a query its answer: one record with the address of the name. */
static inline void dns_make_answer(struct dns_message *message, uint32_t number)
{
    const uint8_t record[DNS_RECORD] = {
        0xc0, DNS_HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, (uint8_t)number, (uint8_t)(number >> 8), 0};
    message->bytes[2] = 0x81;
    message->bytes[3] = 0x80;
    message->bytes[7] = 1;
    memcpy(message->bytes + message->size, record, sizeof record);
    message->size += sizeof record;
}

/* The number of the name that a message asks for; -1: it is no query of dns_make_query. */
static inline int dns_number(const struct dns_message *message)
{
    struct dns_message query;
    uint32_t number = 0;
    for (size_t at = DNS_HEADER + 2; at < message->size && message->bytes[at] >= '0' && message->bytes[at] <= '9'; at++)
        number = number < DNS_NAMES ? number * 10 + message->bytes[at] - '0' : DNS_NAMES;
    dns_make_query(&query, (uint16_t)(message->bytes[0] << 8 | message->bytes[1]), number);
    bool is_query = number < DNS_NAMES && message->size == query.size &&
                    memcmp(message->bytes, query.bytes, query.size) == 0;
    return is_query ? (int)number : -1;
}

#endif
