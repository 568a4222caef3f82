/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record *record_new(struct trale_link *records, size_t n_strings, size_t n_bytes, char **bytes)
{
    struct record *record = calloc(1, sizeof *record + n_strings * sizeof record->strings[0] + n_bytes);
    if (record == NULL)
        return NULL;
    record->ttl_s = TRALE_TTL_UNKNOWN;
    record->n_strings = (uint32_t)n_strings;
    *bytes = (char *)&record->strings[n_strings];
    list_append(records, &record->link);
    return record;
}

int record_add_address(struct trale_link *records, const struct trale_address *address, uint32_t ttl_s)
{
    char *bytes;
    struct record *record = record_new(records, 0, 0, &bytes);
    if (record == NULL)
        return -ENOMEM;
    record->address = *address;
    record->ttl_s = ttl_s;
    return 0;
}

int record_add_target(struct trale_link *records, const char *target, uint32_t ttl_s)
{
    char *bytes;
    struct record *record = record_new(records, 0, strlen(target) + 1, &bytes);
    if (record == NULL)
        return -ENOMEM;
    record->target = strcpy(bytes, target);
    record->ttl_s = ttl_s;
    return 0;
}

bool record_is_wanted(uint32_t kind, sa_family_t family)
{
    return kind == TRALE_LOOKUP_ADDRESSES || (kind == TRALE_LOOKUP_V4 && family == AF_INET) ||
           (kind == TRALE_LOOKUP_V6 && family == AF_INET6);
}

int record_add_local(struct trale_link *records, uint32_t kind, uint16_t port)
{
    const struct trale_address local[] = {
        {.v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}},
        {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT}},
    };
    int r = 0;
    for (size_t i = 0; i < sizeof local / sizeof local[0] && r == 0; i++)
        if (record_is_wanted(kind, local[i].any.sa_family))
            r = record_add_address(records, &local[i], TRALE_TTL_UNKNOWN);
    return r;
}

void record_move(struct trale_link *to, struct trale_link *from)
{
    while (!list_is_empty(from)) {
        struct trale_link *link = from->next;
        list_remove(link);
        list_append(to, link);
    }
}

void record_free(struct record *record)
{
    if (record == NULL)
        return;
    list_remove(&record->link);
    free(record);
}

void record_free_all(struct trale_link *records)
{
    while (!list_is_empty(records))
        record_free(list_entry(records->next, struct record, link));
}

void record_give(struct trale_link *records, struct record **given, struct trale_lookup *lookup)
{
    struct record *record = list_entry(records->next, struct record, link);
    list_remove(&record->link);
    record_free(*given);
    *given = record;
    if (record->address.any.sa_family != AF_UNSPEC)
        lookup->address = record->address;
    lookup->ttl_s = record->ttl_s;
    lookup->target = record->target;
    lookup->priority = record->priority;
    lookup->weight = record->weight;
    lookup->target_port = record->port;
    lookup->strings = record->n_strings > 0 ? record->strings : NULL;
    lookup->n_strings = record->n_strings;
}
