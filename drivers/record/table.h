/* SPDX-License-Identifier: MIT
 *
 * What the layer knows of things that have no room for it: a hash table from their addresses to pointers or numbers. */
#ifndef RECORD_TABLE_H
#define RECORD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
    const void *key; /* NULL: none */
    uint64_t value;
};

/* Zeroed, it is empty. */
struct table {
    struct table_entry *entries;
    size_t n, room;
};

void table_deinit(struct table *table);

/* The value of a key; 0: there is none. */
uint64_t table_get(const struct table *table, const void *key);

/* Sets the value of a key, which is not 0. False: memory is out. */
bool table_set(struct table *table, const void *key, uint64_t value);

void table_remove(struct table *table, const void *key);

#endif
