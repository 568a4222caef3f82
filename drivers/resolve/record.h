/* SPDX-License-Identifier: MIT
 *
 * Records: what lookups give. */
#ifndef RESOLVE_RECORD_H
#define RESOLVE_RECORD_H

#include <stdint.h>

#include <trale/resolve.h>

#include "list.h"

/* One allocation, with what it points to. */
struct record {
    struct trale_link link;
    uint32_t ttl_s;
    uint16_t priority, weight, port;
    struct trale_address address;
    const char *target;
    uint32_t n_strings;
    struct trale_text strings[];
};

/* Appends a record with room for so many strings and bytes behind them; *bytes is where those are. NULL: no memory. */
struct record *record_new(struct trale_link *records, size_t n_strings, size_t n_bytes, char **bytes);

/* These append one record; 0 or -ENOMEM. */
int record_add_address(struct trale_link *records, const struct trale_address *address, uint32_t ttl_s);
int record_add_target(struct trale_link *records, const char *target, uint32_t ttl_s);

/* The loopback addresses of a kind. */
int record_add_local(struct trale_link *records, uint32_t kind, uint16_t port);

/* Whether a lookup of this kind is for addresses of this family. */
bool record_is_wanted(uint32_t kind, sa_family_t family);

/* Takes the first record out of the list, and sets the members of a lookup that are results, which point into it. It
 * becomes *given, and the one that was given before is freed. */
void record_give(struct trale_link *records, struct record **given, struct trale_lookup *lookup);

/* Moves all records behind others. */
void record_move(struct trale_link *to, struct trale_link *from);

void record_free(struct record *record);
void record_free_all(struct trale_link *records);

#endif
