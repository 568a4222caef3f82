/* SPDX-License-Identifier: MIT
 *
 * c-ares writes the queries and expands names: its ares_expand_name finds pointers that lead out of the message or in
 * circles. Its functions for whole answers leave out the ttl of most types, so the records are read here. */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ares.h>

#define CLASS_IN 1
#define RECORD_SIZE 10 /* type, class, ttl, and the length of what follows */
#define ALIASES_MAX 16
#define WIRE_NAME_MAX 255
#define POINTERS_MAX 127 /* one for each label */

enum { CODE_FORMERR = 1, CODE_NXDOMAIN = 3, CODE_REFUSED = 5 };

static unsigned get16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t get32(const uint8_t *bytes)
{
    return (uint32_t)get16(bytes) << 16 | get16(bytes + 2);
}

/* --- queries ------------------------------------------------------------------------------------------------------ */

int message_write(struct query_message *query, const char *name, uint16_t type, bool has_edns)
{
    unsigned char *bytes;
    int size;
    int status = ares_create_query(name[0] != '\0' ? name : ".", CLASS_IN, type, 0, 1, &bytes, &size,
                                   has_edns ? UDP_ANSWER_SIZE : 0);
    if (status != ARES_SUCCESS)
        return status == ARES_ENOTFOUND ? -ENOENT : status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
    query->size = (size_t)size;
    query->question_end = query->size - (has_edns ? 11 : 0);
    memcpy(query->bytes, bytes, query->size);
    ares_free_string(bytes);
    return 0;
}

void message_set_id(struct query_message *query, uint16_t id)
{
    query->bytes[0] = (uint8_t)(id >> 8);
    query->bytes[1] = (uint8_t)id;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* Servers keep the case of the name, or not. The bytes are labels without pointers, for that is how they were sent, and
 * the lengths of labels are no letters. */
static bool has_question(const struct query_message *query, const uint8_t *bytes, size_t size)
{
    if (get16(bytes + 4) != 1 || size < query->question_end)
        return false;
    for (size_t i = HEADER_SIZE; i < query->question_end - 4; i++) {
        uint8_t a = query->bytes[i], b = bytes[i];
        if (a != b && ((a ^ b) != 32 || (a | 32) < 'a' || (a | 32) > 'z'))
            return false;
    }
    return memcmp(bytes + query->question_end - 4, query->bytes + query->question_end - 4, 4) == 0;
}

enum answer message_look(const struct query_message *query, const uint8_t *bytes, size_t size, int *error)
{
    if (size < HEADER_SIZE || memcmp(bytes, query->bytes, 2) != 0 || (bytes[2] & 0xf8) != 0x80)
        return ANSWER_OTHER;
    unsigned code = bytes[3] & 15;
    /* A server that does not understand a query need not repeat its question. */
    if (!has_question(query, bytes, size) && !(code == CODE_FORMERR && get16(bytes + 4) == 0))
        return ANSWER_OTHER;
    *error = code == CODE_NXDOMAIN ? -ENOENT : code == CODE_REFUSED ? -EACCES : -EREMOTEIO;
    if (code == CODE_FORMERR)
        return ANSWER_MALFORMED;
    if (code != 0 && code != CODE_NXDOMAIN)
        return ANSWER_FAILURE;
    if (code == 0)
        *error = 0;
    return (bytes[2] & 2) != 0 ? ANSWER_CUT_OFF : ANSWER_RECORDS;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* A message that is being read. */
struct reader {
    const uint8_t *bytes;
    size_t size, at;
    uint16_t type, port;
    char alias[NAME_SIZE]; /* the name whose records count: that of the question, or what it is an alias of */
    uint32_t alias_ttl_s;
    struct trale_link *records;
};

/* Whether the name at `at` is no longer than names are (RFC 1035 3.1). c-ares has no limit, and a message may have one
 * of 16 KB, to which thousands of records point. */
static bool is_short(const struct reader *reader, size_t at)
{
    size_t size = 0, n_pointers = 0;
    while (at < reader->size && size <= WIRE_NAME_MAX && n_pointers <= POINTERS_MAX) {
        const uint8_t length = reader->bytes[at];
        if (length < 0xc0) {
            size += 1u + length;
            at += 1u + length;
            if (length == 0)
                return size <= WIRE_NAME_MAX;
        } else if (reader->size - at < 2) {
            return false;
        } else {
            at = get16(reader->bytes + at) & 0x3fff;
            n_pointers++;
        }
    }
    return false;
}

/* Whether all bytes of a name that has been expanded, and so is sound, are those that names may have. */
static bool is_plain(const uint8_t *bytes, size_t at)
{
    while (bytes[at] != 0) {
        if (bytes[at] >= 0xc0) {
            at = get16(bytes + at) & 0x3fff;
            continue;
        }
        for (size_t i = 1; i <= bytes[at]; i++)
            if (!name_has(bytes[at + i]))
                return false;
        at += 1u + bytes[at];
    }
    return true;
}

/* Reads the name at `at`, which is in a record that ends at `end`, and sets *next to what follows it. 0; 1: it is a
 * name, but not one that names may be; or -EBADMSG or -ENOMEM. */
static int read_name(const struct reader *reader, size_t at, size_t end, char name[NAME_SIZE], size_t *next)
{
    char *text;
    long length;
    if (at >= end || !is_short(reader, at))
        return -EBADMSG;
    int status = ares_expand_name(reader->bytes + at, reader->bytes, (int)reader->size, &text, &length);
    if (status != ARES_SUCCESS)
        return status == ARES_ENOMEM ? -ENOMEM : -EBADMSG;
    *next = at + (size_t)length;
    bool is_sound = is_plain(reader->bytes, at) && strlen(text) < NAME_SIZE;
    if (is_sound)
        strcpy(name, text);
    ares_free_string(text);
    return *next > end ? -EBADMSG : is_sound ? 0 : 1;
}

static int add_address(struct reader *reader, size_t at, size_t size, uint32_t ttl_s)
{
    struct trale_address address = {.any.sa_family = reader->type == TYPE_A ? AF_INET : AF_INET6};
    if (size != (reader->type == TYPE_A ? 4 : 16))
        return -EBADMSG;
    if (reader->type == TYPE_A)
        memcpy(&address.v4.sin_addr, reader->bytes + at, size);
    else
        memcpy(&address.v6.sin6_addr, reader->bytes + at, size);
    trale_address_set_port(&address, reader->port);
    return record_add_address(reader->records, &address, ttl_s);
}

static int add_text(struct reader *reader, size_t at, size_t size, uint32_t ttl_s)
{
    size_t n_strings = 0, end = at + size;
    for (size_t i = at; i < end; i += 1u + reader->bytes[i], n_strings++)
        if (i + reader->bytes[i] >= end)
            return -EBADMSG;
    if (n_strings == 0)
        return -EBADMSG;
    char *bytes;
    struct record *record = record_new(reader->records, n_strings, size, &bytes);
    if (record == NULL)
        return -ENOMEM;
    record->ttl_s = ttl_s;
    memcpy(bytes, reader->bytes + at, size);
    for (size_t i = 0; i < n_strings; i++) {
        const uint8_t length = (uint8_t)*bytes;
        record->strings[i] = (struct trale_text){bytes + 1, length};
        bytes += 1 + length;
    }
    return 0;
}

/* A SRV or PTR record. The root as the target of a service says that there is none (RFC 2782). */
static int add_target(struct reader *reader, size_t at, size_t size, uint32_t ttl_s)
{
    char target[NAME_SIZE];
    size_t end = at + size, next, n_numbers = reader->type == TYPE_SRV ? 6 : 0;
    if (size <= n_numbers)
        return -EBADMSG;
    int r = read_name(reader, at + n_numbers, end, target, &next);
    if (r != 0 || next != end)
        return r < 0 ? r : -EBADMSG;
    if (target[0] == '\0')
        return 0;
    r = record_add_target(reader->records, target, ttl_s);
    if (r == 0 && n_numbers > 0) {
        struct record *record = list_entry(reader->records->previous, struct record, link);
        record->priority = (uint16_t)get16(reader->bytes + at);
        record->weight = (uint16_t)get16(reader->bytes + at + 2);
        record->port = (uint16_t)get16(reader->bytes + at + 4);
    }
    return r;
}

/* One record: *found is set if it leads to another name, or is what was asked for. */
static int read_record(struct reader *reader, bool follows, bool *found)
{
    char name[NAME_SIZE];
    size_t at;
    int named = read_name(reader, reader->at, reader->size, name, &at);
    if (named < 0)
        return named;
    if (reader->size - at < RECORD_SIZE || reader->size - at - RECORD_SIZE < get16(reader->bytes + at + 8))
        return -EBADMSG;
    const unsigned type = get16(reader->bytes + at), class = get16(reader->bytes + at + 2);
    uint32_t ttl_s = get32(reader->bytes + at + 4);
    const size_t size = get16(reader->bytes + at + 8);
    at += RECORD_SIZE;
    reader->at = at + size;
    if (named != 0 || class != CLASS_IN || !name_equal(name, reader->alias))
        return 0;
    if (ttl_s > INT32_MAX) /* RFC 2181 8 */
        ttl_s = 0;
    if (ttl_s > reader->alias_ttl_s)
        ttl_s = reader->alias_ttl_s;
    if (follows && type == TYPE_CNAME && !*found) {
        *found = true;
        reader->alias_ttl_s = ttl_s;
        int r = read_name(reader, at, reader->at, reader->alias, &at);
        return r > 0 ? -EBADMSG : r;
    }
    if (follows || type != reader->type)
        return 0;
    *found = true;
    return type == TYPE_TXT                       ? add_text(reader, at, size, ttl_s)
           : type == TYPE_SRV || type == TYPE_PTR ? add_target(reader, at, size, ttl_s)
                                                  : add_address(reader, at, size, ttl_s);
}

/* Goes through all records of the answer once. */
static int read_records(struct reader *reader, size_t from, bool follows, bool *found)
{
    int r = 0;
    *found = false;
    reader->at = from;
    for (unsigned n = get16(reader->bytes + 6); n > 0 && r == 0; n--)
        r = read_record(reader, follows, found);
    return r;
}

int message_read(const uint8_t *bytes, size_t size, uint16_t type, uint16_t port, struct trale_link *records)
{
    struct trale_link found = {0};
    list_init(&found);
    struct reader reader = {.bytes = bytes, .size = size, .type = type, .port = port, .records = &found};
    reader.alias_ttl_s = INT32_MAX;
    size_t from = 0;
    bool is_alias = true, has_any = false;
    int r = size < HEADER_SIZE ? -EBADMSG : read_name(&reader, HEADER_SIZE, size, reader.alias, &from);
    if (r > 0 || (r == 0 && size - from < 4))
        r = -EBADMSG;
    from += r == 0 ? 4 : 0;
    /* Each pass follows one alias, wherever its record is; a chain that is longer than any that is meant is a loop. */
    for (int n = 0; r == 0 && is_alias; n++)
        r = n == ALIASES_MAX ? -EBADMSG : read_records(&reader, from, true, &is_alias);
    if (r == 0)
        r = read_records(&reader, from, false, &has_any);
    if (r == 0)
        r = list_is_empty(&found) ? -ENODATA : 0;
    if (r == 0)
        record_move(records, &found);
    record_free_all(&found);
    return r;
}
