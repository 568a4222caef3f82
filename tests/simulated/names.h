/* SPDX-License-Identifier: MIT
 *
 * The names that names_client looks up and names_server knows, with their records. "n17.example" has so many addresses
 * of each family that an answer over UDP is cut off if its number is odd, and one of each if it is even. Messages are
 * those of RFC 1035. */
#ifndef TESTS_SIMULATED_NAMES_H
#define TESTS_SIMULATED_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <trale/address.h>

#define NAMES_MOST 200u
#define NAMES_RECORDS 64u /* of an odd name */
#define NAMES_QUERY 512u  /* bytes */

enum { NAMES_HEADER = 12, NAMES_A = 1, NAMES_AAAA = 28 };

struct names_message {
    size_t size;
    uint8_t bytes[NAMES_QUERY + NAMES_RECORDS * 28];
};

static inline uint32_t names_records(uint32_t number)
{
    return number % 2 == 1 ? NAMES_RECORDS : 1;
}

/* The bytes of an address: 10.17.0.3 and fd17::3 are the record 3 of n17.example. Their size. */
static inline size_t names_address(uint8_t bytes[16], uint16_t type, uint32_t number, uint32_t record)
{
    const uint8_t v4[4] = {10, (uint8_t)number, 0, (uint8_t)record};
    const uint8_t v6[16] = {0xfd, (uint8_t)number, [15] = (uint8_t)record};
    memcpy(bytes, type == NAMES_A ? v4 : v6, type == NAMES_A ? sizeof v4 : sizeof v6);
    return type == NAMES_A ? sizeof v4 : sizeof v6;
}

/* Which record of the name it is; -1: it is none. */
static inline int names_find(const struct trale_address *address, uint32_t number)
{
    const bool is_v4 = address->any.sa_family == AF_INET;
    const void *found = is_v4 ? (const void *)&address->v4.sin_addr : &address->v6.sin6_addr;
    uint8_t bytes[16];
    for (uint32_t i = 0; i < names_records(number); i++) {
        size_t size = names_address(bytes, is_v4 ? NAMES_A : NAMES_AAAA, number, i);
        if (memcmp(bytes, found, size) == 0)
            return (int)i;
    }
    return -1;
}

/* What a query asks for. Returns the end of its question; 0: it is none of a name here. */
static inline size_t names_read(const uint8_t *query, size_t size, uint32_t *number, uint16_t *type)
{
    uint8_t question[32];
    for (*number = 0; *number < NAMES_MOST; ++*number) {
        int length = snprintf((char *)question + 1, sizeof question - 1, "n%u", *number);
        question[0] = (uint8_t)length;
        memcpy(question + 1 + length, "\7example\0", 9);
        const size_t end = NAMES_HEADER + 1 + (size_t)length + 9 + 4;
        if (size < end || memcmp(query + NAMES_HEADER, question, 1 + (size_t)length + 9) != 0)
            continue;
        *type = (uint16_t)(query[end - 4] << 8 | query[end - 3]);
        return *type == NAMES_A || *type == NAMES_AAAA ? end : 0;
    }
    return 0;
}

/* The answer to a query of a name here, whose question ends at `end`; over UDP it is cut off if the name is odd. */
static inline void names_answer(struct names_message *answer, const uint8_t *query, size_t end, uint32_t number,
                                uint16_t type, bool is_stream)
{
    const uint32_t n_records = is_stream || number % 2 == 0 ? names_records(number) : 0;
    memcpy(answer->bytes, query, end);
    answer->bytes[2] = n_records > 0 ? 0x81 : 0x83;
    answer->bytes[3] = 0x80;
    memset(answer->bytes + 6, 0, 6);
    answer->bytes[7] = (uint8_t)n_records;
    answer->size = end;
    for (uint32_t i = 0; i < n_records; i++) {
        uint8_t record[12] = {0xc0, NAMES_HEADER, 0, (uint8_t)type, 0, 1, [9] = 60}, address[16];
        const size_t size = names_address(address, type, number, i);
        record[11] = (uint8_t)size;
        memcpy(answer->bytes + answer->size, record, sizeof record);
        memcpy(answer->bytes + answer->size + sizeof record, address, size);
        answer->size += sizeof record + size;
    }
}

#endif
