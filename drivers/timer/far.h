/* SPDX-License-Identifier: MIT
 *
 * Sleeps that end later than a base, roughly ordered. Each is in the slot of the highest byte in which its time differs
 * from the base, and there of the value of that byte: all times of a slot come before those of the next slot of its
 * level, and before those of all higher levels. So adding and removing take constant time, whatever the number; order
 * within a slot is made when its time comes near (queue.c). Equal times are in one slot, in the order in which they
 * came. */
#ifndef TIMER_FAR_H
#define TIMER_FAR_H

#include <stdbool.h>

#include <trale/timer.h>

/* The latest time to wake a sleep. */
static inline uint64_t timer_latest_ns(const struct trale_sleep *sleep)
{
    return trale_time_add(sleep->future.own, sleep->slack_ns);
}

#define FAR_LEVELS 8u
#define FAR_SLOTS 256u
#define FAR_CHUNK_ENTRIES 124u
#define FAR_POSITION_MAX (UINT32_C(1) << 31)
/* So many chunks are kept for later, and as many more as are in use. */
#define FAR_CHUNKS_KEPT 1024u

/* Sleeps of one slot, in a list of such chunks; two that follow each other have more than half a chunk together, where
 * sleeps were removed. Numbers of chunks count from 1; 0 is none. */
struct far_chunk {
    uint32_t next, previous;
    uint16_t slot; /* level * FAR_SLOTS + byte */
    uint16_t n_entries, n_live;
    uint16_t reserved;
    struct trale_sleep *entries[FAR_CHUNK_ENTRIES]; /* NULL: it was removed */
};

/* By the number of a chunk. */
union far_place {
    struct far_chunk *chunk;
    uintptr_t next_empty; /* no chunk has the number: the next such number */
};

struct far {
    uint64_t base_ns; /* all times are later */
    union far_place *places;
    uint32_t n_places, n_room;
    uint32_t first_empty;
    uint32_t n_chunks;
    uint32_t n_free, first_free;                /* chunks in no slot */
    uint64_t used[FAR_LEVELS * FAR_SLOTS / 64]; /* a bit for each slot that has a chunk */
    struct {
        uint32_t first, last;
        uint64_t slack_max_ns; /* of all sleeps that came since it was empty */
    } slots[FAR_LEVELS * FAR_SLOTS + 1];
};

/* The slot of the sleeps that never end. */
#define FAR_NEVER (FAR_LEVELS * FAR_SLOTS)

/* Has `n` chunks free. 0 or -ENOMEM. */
int far_reserve(struct far *far, uint32_t n);

void far_give_back(struct far *far);

/* Gives the memory of a free chunk back, if there are more than are kept. To be called once for each sleep that ends,
 * while none is added: many more sleeps end than chunks become free. */
static inline void far_shrink(struct far *far)
{
    if (far->n_free > far->n_chunks - far->n_free + FAR_CHUNKS_KEPT)
        far_give_back(far);
}

/* The slot of a time that is later than the base. */
uint32_t far_slot(const struct far *far, uint64_t latest_ns);

/* Adds a sleep to a slot; one chunk is free. Sets its position. */
void far_add(struct far *far, uint32_t slot, struct trale_sleep *sleep);

/* Removes the sleep at that position. */
void far_remove(struct far *far, uint32_t position);

/* The slot with the earliest times, or FAR_NEVER. */
uint32_t far_first(const struct far *far);

/* The earliest time that may be in a slot. */
uint64_t far_slot_start(const struct far *far, uint32_t slot);

/* The earliest time at which a sleep of a slot may end, with its slack to spare. */
static inline uint64_t far_slot_deadline(const struct far *far, uint32_t slot)
{
    uint64_t start_ns = far_slot_start(far, slot), slack_ns = far->slots[slot].slack_max_ns;
    return start_ns > slack_ns ? start_ns - slack_ns : 0;
}

/* The number of sleeps in a slot, counted no further than the first chunk that makes it more than `limit`. */
size_t far_count(const struct far *far, uint32_t slot, size_t limit);

/* Takes the first of a slot's sleeps out, and returns their number; 0: it has none. */
size_t far_take(struct far *far, uint32_t slot, struct trale_sleep *entries[FAR_CHUNK_ENTRIES]);

/* The earliest time in a slot that is not empty. */
uint64_t far_least(const struct far *far, uint32_t slot);

/* A sleep of a slot, or NULL. */
struct trale_sleep *far_any(const struct far *far, uint32_t slot);

void far_deinit(struct far *far);

#endif
