/* SPDX-License-Identifier: MIT */
#include "far.h"

#include <errno.h>
#include <stdlib.h>

static struct far_chunk *far_chunk(const struct far *far, uint32_t number)
{
    return far->places[number - 1].chunk;
}

static void far_mark(struct far *far, uint32_t slot, bool is_used)
{
    if (slot == FAR_NEVER)
        return;
    uint64_t *word = &far->used[slot / 64], bit = UINT64_C(1) << slot % 64;
    *word = is_used ? *word | bit : *word & ~bit;
}

/* --- chunks ------------------------------------------------------------------------------------------------------- */

/* One more number, which no chunk has. */
static int far_make_place(struct far *far)
{
    if (far->n_places == FAR_POSITION_MAX / FAR_CHUNK_ENTRIES)
        return -ENOMEM;
    if (far->n_places == far->n_room) {
        uint32_t n_room = far->n_room > 0 ? 2 * far->n_room : 16;
        union far_place *places = reallocarray(far->places, n_room, sizeof *places);
        if (places == NULL)
            return -ENOMEM;
        far->places = places;
        far->n_room = n_room;
    }
    far->places[far->n_places++].next_empty = far->first_empty;
    far->first_empty = far->n_places;
    return 0;
}

static void far_add_free(struct far *far, uint32_t number)
{
    far_chunk(far, number)->next = far->first_free;
    far->first_free = number;
    far->n_free++;
}

static int far_make_chunk(struct far *far)
{
    int r = far->first_empty == 0 ? far_make_place(far) : 0;
    struct far_chunk *chunk = r == 0 ? malloc(sizeof *chunk) : NULL;
    if (chunk == NULL)
        return -ENOMEM;
    uint32_t number = far->first_empty;
    union far_place *place = &far->places[number - 1];
    far->first_empty = (uint32_t)place->next_empty;
    place->chunk = chunk;
    far->n_chunks++;
    far_add_free(far, number);
    return 0;
}

void far_give_back(struct far *far)
{
    uint32_t number = far->first_free;
    union far_place *place = &far->places[number - 1];
    far->first_free = place->chunk->next;
    free(place->chunk);
    place->next_empty = far->first_empty;
    far->first_empty = number;
    far->n_free--;
    far->n_chunks--;
}

int far_reserve(struct far *far, uint32_t n)
{
    int r = 0;
    while (r == 0 && far->n_free < n)
        r = far_make_chunk(far);
    return r;
}

/* Puts a free chunk at the end of a slot. */
static uint32_t far_append_chunk(struct far *far, uint32_t slot)
{
    uint32_t number = far->first_free, last = far->slots[slot].last;
    struct far_chunk *chunk = far_chunk(far, number);
    far->first_free = chunk->next;
    far->n_free--;
    chunk->next = 0;
    chunk->previous = last;
    chunk->slot = (uint16_t)slot;
    chunk->n_entries = chunk->n_live = 0;
    if (last != 0)
        far_chunk(far, last)->next = number;
    else {
        far->slots[slot].first = number;
        far->slots[slot].slack_max_ns = 0;
    }
    far->slots[slot].last = number;
    far_mark(far, slot, true);
    return number;
}

static void far_free_chunk(struct far *far, uint32_t number)
{
    struct far_chunk *chunk = far_chunk(far, number);
    if (chunk->previous != 0)
        far_chunk(far, chunk->previous)->next = chunk->next;
    else
        far->slots[chunk->slot].first = chunk->next;
    if (chunk->next != 0)
        far_chunk(far, chunk->next)->previous = chunk->previous;
    else
        far->slots[chunk->slot].last = chunk->previous;
    if (far->slots[chunk->slot].first == 0)
        far_mark(far, chunk->slot, false);
    far_add_free(far, number);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

uint32_t far_slot(const struct far *far, uint64_t latest_ns)
{
    uint32_t level = (63u - (uint32_t)__builtin_clzll(latest_ns ^ far->base_ns)) / 8;
    return level * FAR_SLOTS + (uint32_t)(latest_ns >> 8 * level & 0xff);
}

void far_add(struct far *far, uint32_t slot, struct trale_sleep *sleep)
{
    uint32_t number = far->slots[slot].last;
    if (number == 0 || far_chunk(far, number)->n_entries == FAR_CHUNK_ENTRIES)
        number = far_append_chunk(far, slot);
    struct far_chunk *chunk = far_chunk(far, number);
    sleep->position = (number - 1) * FAR_CHUNK_ENTRIES + chunk->n_entries;
    chunk->entries[chunk->n_entries++] = sleep;
    chunk->n_live++;
    if (sleep->slack_ns > far->slots[slot].slack_max_ns)
        far->slots[slot].slack_max_ns = sleep->slack_ns;
}

/* Moves the sleeps of `from` to the places from `n` on of a chunk, and returns the next place. */
static uint16_t far_move(struct far *far, uint32_t number, uint16_t n, const struct far_chunk *from)
{
    struct far_chunk *chunk = far_chunk(far, number);
    for (size_t i = 0; i < from->n_entries; i++) {
        struct trale_sleep *sleep = from->entries[i];
        if (sleep == NULL)
            continue;
        sleep->position = (number - 1) * FAR_CHUNK_ENTRIES + n;
        chunk->entries[n++] = sleep;
    }
    return n;
}

/* Puts a chunk and the next one of its slot together, if they fill half a chunk at most. Full chunks come of so many
 * sleeps that this costs a constant time for each. False: they stay. */
static bool far_merge(struct far *far, uint32_t number)
{
    struct far_chunk *chunk = number != 0 ? far_chunk(far, number) : NULL;
    uint32_t next = chunk != NULL ? chunk->next : 0;
    if (next == 0 || chunk->n_live + far_chunk(far, next)->n_live > FAR_CHUNK_ENTRIES / 2)
        return false;
    uint16_t n = far_move(far, number, far_move(far, number, 0, chunk), far_chunk(far, next));
    chunk->n_entries = chunk->n_live = n;
    far_free_chunk(far, next);
    return true;
}

void far_remove(struct far *far, uint32_t position)
{
    uint32_t number = position / FAR_CHUNK_ENTRIES + 1;
    struct far_chunk *chunk = far_chunk(far, number);
    chunk->entries[position % FAR_CHUNK_ENTRIES] = NULL;
    if (--chunk->n_live == 0) {
        far_free_chunk(far, number);
        return;
    }
    while (chunk->entries[chunk->n_entries - 1] == NULL)
        chunk->n_entries--;
    if (!far_merge(far, number))
        far_merge(far, chunk->previous);
}

/* --- slots -------------------------------------------------------------------------------------------------------- */

uint32_t far_first(const struct far *far)
{
    const uint64_t *words = far->used;
    for (uint32_t i = 0; i < FAR_LEVELS * FAR_SLOTS / 64; i++)
        if (words[i] != 0)
            return i * 64 + (uint32_t)__builtin_ctzll(words[i]);
    return FAR_NEVER;
}

uint64_t far_slot_start(const struct far *far, uint32_t slot)
{
    uint32_t level = slot / FAR_SLOTS;
    uint64_t above = level == FAR_LEVELS - 1 ? 0 : far->base_ns >> 8 * (level + 1) << 8 * (level + 1);
    return above | (uint64_t)(slot % FAR_SLOTS) << 8 * level;
}

size_t far_count(const struct far *far, uint32_t slot, size_t limit)
{
    size_t n = 0;
    for (uint32_t number = far->slots[slot].first; number != 0 && n <= limit; number = far_chunk(far, number)->next)
        n += far_chunk(far, number)->n_live;
    return n;
}

size_t far_take(struct far *far, uint32_t slot, struct trale_sleep *entries[FAR_CHUNK_ENTRIES])
{
    uint32_t number = far->slots[slot].first;
    if (number == 0)
        return 0;
    const struct far_chunk *chunk = far_chunk(far, number);
    size_t n = 0;
    for (size_t i = 0; i < chunk->n_entries; i++)
        if (chunk->entries[i] != NULL)
            entries[n++] = chunk->entries[i];
    far_free_chunk(far, number);
    return n;
}

uint64_t far_least(const struct far *far, uint32_t slot)
{
    uint64_t least_ns = UINT64_MAX;
    for (uint32_t number = far->slots[slot].first; number != 0; number = far_chunk(far, number)->next) {
        const struct far_chunk *chunk = far_chunk(far, number);
        for (size_t i = 0; i < chunk->n_entries; i++)
            if (chunk->entries[i] != NULL && timer_latest_ns(chunk->entries[i]) < least_ns)
                least_ns = timer_latest_ns(chunk->entries[i]);
    }
    return least_ns;
}

struct trale_sleep *far_any(const struct far *far, uint32_t slot)
{
    if (far->slots[slot].first == 0)
        return NULL;
    const struct far_chunk *chunk = far_chunk(far, far->slots[slot].first);
    return chunk->entries[chunk->n_entries - 1];
}

void far_deinit(struct far *far)
{
    for (uint32_t number = far->first_empty; number != 0;) {
        union far_place *place = &far->places[number - 1];
        number = (uint32_t)place->next_empty;
        place->chunk = NULL;
    }
    for (uint32_t i = 0; i < far->n_places; i++)
        free(far->places[i].chunk);
    free(far->places);
}
