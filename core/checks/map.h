/* SPDX-License-Identifier: MIT
 *
 * Values by address. */
#ifndef CORE_CHECKS_MAP_H
#define CORE_CHECKS_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map_entry {
    const void *key; /* NULL: free */
    void *value;
};

/* Zeroed, it is empty. */
struct map {
    struct map_entry *entries;
    size_t n_entries, capacity; /* the capacity is a power of 2, or 0 */
};

/* The value, or NULL. */
void *map_get(const struct map *map, const void *key);

/* Sets a value that is not NULL. False: memory is out, and nothing has changed. */
bool map_put(struct map *map, const void *key, void *value);

/* Removes the value and returns it, or NULL. */
void *map_remove(struct map *map, const void *key);

/* The values one after the other, in any order: NULL after the last. *position starts at 0. The map must not change
 * meanwhile, but the value that was given last may be removed: then *position goes back by one. */
void *map_next(const struct map *map, size_t *position);

void map_deinit(struct map *map);

#endif
