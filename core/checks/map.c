/* SPDX-License-Identifier: MIT
 *
 * Open addressing, linear probing. A removal moves the entries behind it up, so that no mark of it stays. */
#include "core/checks/map.h"

#include <stdint.h>
#include <stdlib.h>

static size_t map_home(const struct map *map, const void *key)
{
    uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> 20) & (map->capacity - 1);
}

/* The entry of the key, or the free one where it would be. There is always a free one. */
static struct map_entry *map_find(const struct map *map, const void *key)
{
    size_t i = map_home(map, key);
    while (map->entries[i].key != NULL && map->entries[i].key != key)
        i = (i + 1) & (map->capacity - 1);
    return &map->entries[i];
}

static bool map_grow(struct map *map)
{
    struct map larger = {.capacity = map->capacity > 0 ? 2 * map->capacity : 64, .n_entries = map->n_entries};
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (larger.entries == NULL)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].key != NULL)
            *map_find(&larger, map->entries[i].key) = map->entries[i];
    free(map->entries);
    *map = larger;
    return true;
}

void *map_get(const struct map *map, const void *key)
{
    return map->capacity > 0 ? map_find(map, key)->value : NULL;
}

bool map_put(struct map *map, const void *key, void *value)
{
    if (2 * (map->n_entries + 1) > map->capacity && !map_grow(map))
        return false;
    struct map_entry *entry = map_find(map, key);
    map->n_entries += entry->key == NULL;
    *entry = (struct map_entry){key, value};
    return true;
}

void *map_remove(struct map *map, const void *key)
{
    struct map_entry *entry = map->capacity > 0 ? map_find(map, key) : NULL;
    if (entry == NULL || entry->key == NULL)
        return NULL;
    void *value = entry->value;
    size_t mask = map->capacity - 1, hole = (size_t)(entry - map->entries);
    for (size_t i = (hole + 1) & mask; map->entries[i].key != NULL; i = (i + 1) & mask) {
        /* An entry may move to the hole if its home is not between the hole and itself. */
        if (((i - map_home(map, map->entries[i].key)) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole] = (struct map_entry){NULL, NULL};
    map->n_entries--;
    return value;
}

void *map_next(const struct map *map, size_t *position)
{
    while (*position < map->capacity) {
        const struct map_entry *entry = &map->entries[(*position)++];
        if (entry->key != NULL)
            return entry->value;
    }
    return NULL;
}

void map_deinit(struct map *map)
{
    free(map->entries);
    *map = (struct map){0};
}
