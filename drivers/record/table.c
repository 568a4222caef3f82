/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>

static size_t place_of(const struct table *table, const void *key)
{
    size_t i = (size_t)((uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (table->room - 1);
    while (table->entries[i].key != NULL && table->entries[i].key != key)
        i = (i + 1) & (table->room - 1);
    return i;
}

static bool grow(struct table *table)
{
    struct table larger = {.n = table->n, .room = table->room > 0 ? 2 * table->room : 64};
    larger.entries = calloc(larger.room, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < table->room; i++)
        if (table->entries[i].key != NULL)
            larger.entries[place_of(&larger, table->entries[i].key)] = table->entries[i];
    free(table->entries);
    *table = larger;
    return true;
}

void table_deinit(struct table *table)
{
    free(table->entries);
    *table = (struct table){0};
}

uint64_t table_get(const struct table *table, const void *key)
{
    const struct table_entry *entry = table->room > 0 ? &table->entries[place_of(table, key)] : NULL;
    return entry != NULL && entry->key == key ? entry->value : 0;
}

bool table_set(struct table *table, const void *key, uint64_t value)
{
    if (4 * (table->n + 1) > 3 * table->room && !grow(table))
        return false;
    struct table_entry *entry = &table->entries[place_of(table, key)];
    table->n += entry->key == NULL;
    *entry = (struct table_entry){key, value};
    return true;
}

/* Those behind it move up, so that none is behind a gap. */
void table_remove(struct table *table, const void *key)
{
    if (table_get(table, key) == 0)
        return;
    size_t i = place_of(table, key), mask = table->room - 1;
    table->entries[i].key = NULL;
    table->n--;
    for (size_t j = (i + 1) & mask; table->entries[j].key != NULL; j = (j + 1) & mask) {
        struct table_entry moved = table->entries[j];
        table->entries[j].key = NULL;
        table->entries[place_of(table, moved.key)] = moved;
    }
}
