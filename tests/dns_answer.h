/* SPDX-License-Identifier: MIT
 *
 * What the name server of the tests says: an answer for each name that a test asks for, good and bad. */
#ifndef TRALE_TESTS_DNS_ANSWER_H
#define TRALE_TESTS_DNS_ANSWER_H

#include "tests/support.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33 };
enum { DNS_HEADER = 12 };

struct dns_query {
    uint16_t type;
    bool has_edns;
    char name[300];
    size_t size, question_end;
    uint8_t bytes[1500];
};

struct dns_message {
    size_t size, n_records;
    bool is_cut_off;
    uint8_t bytes[65535];
};

/* A query with one question, without pointers. */
static inline bool dns_query_read(struct dns_query *query, const uint8_t *bytes, size_t size)
{
    size_t at = DNS_HEADER, length = 0;
    if (size < DNS_HEADER + 5 || size > sizeof query->bytes || (bytes[2] & 0x80) != 0)
        return false;
    memcpy(query->bytes, bytes, size);
    query->size = size;
    while (at < size && bytes[at] != 0) {
        if (bytes[at] > 63 || at + bytes[at] >= size || length + bytes[at] + 2 > sizeof query->name)
            return false;
        memcpy(query->name + length, bytes + at + 1, bytes[at]);
        length += bytes[at];
        query->name[length++] = '.';
        at += 1u + bytes[at];
    }
    query->name[length > 0 ? length - 1 : 0] = '\0';
    query->question_end = at + 5;
    query->has_edns = query->question_end < size;
    if (query->question_end > size)
        return false;
    query->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
    return true;
}

/* Whether the name begins with this label. */
static inline bool dns_is(const struct dns_query *query, const char *label)
{
    size_t length = strlen(label);
    return strncmp(query->name, label, length) == 0 && (query->name[length] == '.' || query->name[length] == '\0');
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static inline void dns_put(struct dns_message *message, const void *bytes, size_t size)
{
    assert_true(message->size + size <= sizeof message->bytes);
    memcpy(message->bytes + message->size, bytes, size);
    message->size += size;
}

static inline void dns_put16(struct dns_message *message, unsigned number)
{
    dns_put(message, (uint8_t[]){(uint8_t)(number >> 8), (uint8_t)number}, 2);
}

/* A name without pointers; "": the root. */
static inline void dns_put_name(struct dns_message *message, const char *name)
{
    while (*name != '\0') {
        size_t length = strcspn(name, ".");
        dns_put(message, &(uint8_t){(uint8_t)length}, 1);
        dns_put(message, name, length);
        name += length + (name[length] == '.');
    }
    dns_put(message, "", 1);
}

/* The head of a record, whose owner is the name of the question if it is NULL. */
static inline void dns_put_head(struct dns_message *message, const char *owner, unsigned type, uint32_t ttl_s,
                                size_t size)
{
    if (owner == NULL)
        dns_put16(message, 0xc000 | DNS_HEADER);
    else
        dns_put_name(message, owner);
    dns_put16(message, type);
    dns_put16(message, 1);
    dns_put16(message, ttl_s >> 16);
    dns_put16(message, ttl_s & 0xffff);
    dns_put16(message, (unsigned)size);
    message->n_records++;
}

static inline void dns_put_address(struct dns_message *message, const char *owner, unsigned type, uint32_t ttl_s,
                                   unsigned number)
{
    uint8_t v4[4] = {192, 0, 2, (uint8_t)number}, v6[16] = {0x20, 0x01, 0x0d, 0xb8};
    if (number > 255) {
        v4[0] = 10;
        v4[2] = (uint8_t)(number >> 8);
    }
    v6[15] = (uint8_t)number;
    dns_put_head(message, owner, type, ttl_s, type == DNS_A ? 4 : 16);
    dns_put(message, type == DNS_A ? v4 : v6, type == DNS_A ? 4 : 16);
}

static inline void dns_put_alias(struct dns_message *message, const char *owner, uint32_t ttl_s, const char *target)
{
    dns_put_head(message, owner, DNS_CNAME, ttl_s, strlen(target) + 2);
    dns_put_name(message, target);
}

static inline void dns_put_service(struct dns_message *message, unsigned priority, unsigned weight, unsigned port,
                                   const char *target)
{
    dns_put_head(message, NULL, DNS_SRV, 60, 6 + strlen(target) + (target[0] != '\0' ? 2 : 1));
    dns_put16(message, priority);
    dns_put16(message, weight);
    dns_put16(message, port);
    dns_put_name(message, target);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* A chain of aliases, the last link first in the message: a0.example is the name that was asked for's. */
static inline void dns_put_chain(struct dns_message *message, unsigned type, unsigned n)
{
    char owner[32], target[32];
    snprintf(target, sizeof target, "a%u.example", n);
    dns_put_address(message, target, type, 300, 1);
    for (unsigned i = n; i > 0; i--) {
        snprintf(owner, sizeof owner, "a%u.example", i - 1);
        snprintf(target, sizeof target, "a%u.example", i);
        dns_put_alias(message, owner, 100 + i, target);
    }
    dns_put_alias(message, NULL, 200, "a0.example");
}

static inline void dns_put_texts(struct dns_message *message, const struct dns_query *query)
{
    uint8_t text[256];
    if (dns_is(query, "empty")) {
        dns_put_head(message, NULL, DNS_TXT, 60, 1);
        dns_put(message, "", 1);
        return;
    }
    if (dns_is(query, "huge")) {
        dns_put_head(message, NULL, DNS_TXT, 60, 234 * 256);
        for (int i = 0; i < 234; i++) {
            memset(text, i, sizeof text);
            text[0] = 255;
            dns_put(message, text, sizeof text);
        }
        return;
    }
    dns_put_head(message, NULL, DNS_TXT, 60, 8);
    dns_put(message, "\4v=\0\xff\2ab", 8);
    dns_put_head(message, NULL, DNS_TXT, 50, 4);
    dns_put(message, "\3two", 4);
}

/* What is wrong, by name. */
static inline bool dns_put_malformed(struct dns_message *message, const struct dns_query *query)
{
    if (dns_is(query, "circle")) { /* the owner of the record points to itself */
        dns_put16(message, 0xc000 | (unsigned)message->size);
        dns_put(message, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
        message->n_records++;
    } else if (dns_is(query, "outside")) { /* it points behind the message */
        dns_put16(message, 0xffff);
        dns_put(message, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
        message->n_records++;
    } else if (dns_is(query, "short")) {
        dns_put_address(message, NULL, query->type, 60, 1);
        message->size--;
    } else if (dns_is(query, "counts")) {
        dns_put_address(message, NULL, query->type, 60, 1);
        message->n_records = 65535;
    } else if (dns_is(query, "length")) {
        dns_put_head(message, NULL, query->type, 60, 5);
        dns_put(message, "\1\2\3\4\5", 5);
    } else if (dns_is(query, "nul")) { /* an alias with a NUL in its name */
        dns_put_head(message, NULL, DNS_CNAME, 60, 7);
        dns_put(message, "\1\0\3com", 7);
    } else if (dns_is(query, "blank")) {
        dns_put_alias(message, NULL, 60, "a b; rm.example");
    } else if (dns_is(query, "circular")) {
        dns_put_alias(message, NULL, 60, "x.example");
        dns_put_alias(message, "x.example", 60, "y.example");
        dns_put_alias(message, "y.example", 60, "x.example");
    } else if (dns_is(query, "endless")) {
        dns_put_chain(message, query->type, 30);
    } else if (dns_is(query, "label")) { /* one of the reserved kinds */
        dns_put(message, "\x40", 1);
        message->n_records++;
    } else {
        return false;
    }
    return true;
}

static inline void dns_put_records(struct dns_message *message, const struct dns_query *query)
{
    const bool is_v4 = query->type == DNS_A, is_v6 = query->type == DNS_AAAA;
    if (dns_put_malformed(message, query))
        return;
    if (query->type == DNS_TXT) {
        dns_put_texts(message, query);
    } else if (query->type == DNS_PTR) {
        dns_put_head(message, NULL, DNS_PTR, 60, strlen("host.example") + 2);
        dns_put_name(message, "host.example");
    } else if (query->type == DNS_SRV) {
        if (!dns_is(query, "_gone")) {
            dns_put_service(message, 20, 0, 5061, "last.example");
            dns_put_service(message, 10, 0, 5062, "never.example");
            dns_put_service(message, 10, 90, 5063, "often.example");
            dns_put_service(message, 10, 10, 5064, "seldom.example");
        } else {
            dns_put_service(message, 0, 0, 0, "");
        }
    } else if (dns_is(query, "chain")) {
        dns_put_chain(message, query->type, 5);
    } else if (dns_is(query, "ages")) { /* a ttl that is negative counts as 0 */
        dns_put_address(message, NULL, query->type, 0x80000001u, 1);
    } else if (dns_is(query, "other")) { /* records of other names, classes and types are none of its */
        dns_put_address(message, "another.example", query->type, 60, 9);
        dns_put_address(message, NULL, is_v4 ? DNS_TXT : DNS_A, 60, 9);
        dns_put_address(message, NULL, query->type, 60, 1);
    } else if (dns_is(query, "thousand") && is_v4) {
        for (unsigned i = 0; i < 1000; i++)
            dns_put_address(message, NULL, DNS_A, 60, 256 + i);
    } else if ((is_v4 || is_v6) && !dns_is(query, "none") && !(dns_is(query, "four") && is_v6)) {
        dns_put_address(message, NULL, query->type, is_v4 ? 60 : 30, 1);
    }
}

static inline unsigned dns_code(const struct dns_query *query)
{
    const char *const names[] = {[1] = "formerr", "servfail", "nx", "notimp", "refused", [9] = "notauth"};
    for (unsigned i = 1; i < sizeof names / sizeof names[0]; i++)
        if (names[i] != NULL && dns_is(query, names[i]))
            return i;
    return dns_is(query, "old") && query->has_edns ? 1 : 0;
}

/* The answer, cut off if it is longer than clients take over UDP. False: there is none. */
static inline bool dns_answer(struct dns_message *answer, const struct dns_query *query, bool is_stream)
{
    const unsigned code = dns_code(query);
    if (dns_is(query, "silent") || (is_stream && (dns_is(query, "notcp") || dns_is(query, "mutetcp"))))
        return false;
    answer->size = answer->n_records = 0;
    dns_put(answer, query->bytes, query->question_end);
    answer->bytes[2] = 0x80 | (query->bytes[2] & 0x79);
    answer->bytes[3] = (uint8_t)(0x80 | code);
    memset(answer->bytes + 6, 0, 6);
    if (code == 0)
        dns_put_records(answer, query);
    answer->bytes[6] = (uint8_t)(answer->n_records >> 8);
    answer->bytes[7] = (uint8_t)answer->n_records;
    bool always_cut = dns_is(query, "cut") || dns_is(query, "halftcp") || dns_is(query, "notcp") ||
                      dns_is(query, "mutetcp");
    if (!is_stream && (answer->size > 1232 || always_cut)) {
        answer->size = query->question_end;
        answer->bytes[2] |= 2;
        answer->bytes[6] = answer->bytes[7] = 0;
    }
    return true;
}

/* --- lies --------------------------------------------------------------------------------------------------------- */

/* How many false answers come before the true one. */
static inline int dns_lies(const struct dns_query *query)
{
    return dns_is(query, "forged") ? 6 : 0;
}

static inline void dns_falsify(struct dns_message *answer, int lie)
{
    if (lie > 0)
        answer->bytes[answer->size - 1] = 66; /* the address */
    if (lie == 1)
        answer->bytes[1] ^= 1; /* the id */
    else if (lie == 2)
        answer->bytes[DNS_HEADER + 1] ^= 1; /* the question's first letter */
    else if (lie == 3)
        answer->bytes[2] &= 0x7f; /* a query */
    else if (lie == 4)
        answer->size = 5;
    else if (lie == 5)
        answer->size = 0;
    else if (lie == 6)
        answer->bytes[5] = 0; /* no question */
}

#endif
