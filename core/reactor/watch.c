/* SPDX-License-Identifier: MIT */
#include "core/reactor/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* --- the table ---------------------------------------------------------------------------------------------------- */

struct watch *watch_find(const struct watches *watches, int32_t fd)
{
    size_t chunk = (size_t)fd / WATCHES_CHUNK;
    if (fd < 0 || chunk >= watches->n_chunks || watches->chunks[chunk] == NULL)
        return NULL;
    return &watches->chunks[chunk]->watches[fd % WATCHES_CHUNK];
}

struct watch *watch_get(struct watches *watches, int32_t fd)
{
    size_t chunk = (size_t)fd / WATCHES_CHUNK;
    if (chunk >= watches->n_chunks) {
        /* The table grows only for numbers that are open fds. */
        if (fcntl(fd, F_GETFD) < 0)
            return NULL;
        size_t n_chunks = chunk + 1 > 2 * watches->n_chunks ? chunk + 1 : 2 * watches->n_chunks;
        struct watch_chunk **chunks = reallocarray(watches->chunks, n_chunks, sizeof *chunks);
        if (chunks == NULL)
            return NULL;
        for (size_t i = watches->n_chunks; i < n_chunks; i++)
            chunks[i] = NULL;
        watches->chunks = chunks;
        watches->n_chunks = n_chunks;
    }
    if (watches->chunks[chunk] == NULL) {
        watches->chunks[chunk] = calloc(1, sizeof *watches->chunks[chunk]);
        if (watches->chunks[chunk] == NULL)
            return NULL;
    }
    return &watches->chunks[chunk]->watches[fd % WATCHES_CHUNK];
}

void watches_deinit(struct watches *watches)
{
    for (size_t i = 0; i < watches->n_chunks; i++) {
        if (watches->chunks[i] != NULL)
            free(watches->chunks[i]->suspects);
        free(watches->chunks[i]);
    }
    free(watches->chunks);
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

static void wait_tell(struct trale_wait *wait, uint32_t ready)
{
    uint32_t found = wait->interest | TRALE_FAILING | TRALE_HANGUP;
    found |= (wait->interest & TRALE_READABLE) != 0 ? TRALE_READ_HANGUP : 0;
    wait->ready = (uint16_t)(ready & found);
}

uint32_t watch_wake(struct watch *watch, uint32_t ended, uint32_t ready)
{
    uint32_t interests = 0;
    struct trale_link *link = watch->waits, *last = link != NULL ? link->previous : NULL;
    while (link != NULL) {
        struct trale_wait *wait = list_entry(link, struct trale_wait, link);
        struct trale_link *next = link != last ? link->next : NULL;
        if ((wait->interest & ended) != 0) {
            watch->given_to = interests == 0 ? wait : NULL;
            interests |= wait->interest;
            ring_remove(&watch->waits, link);
            wait_tell(wait, ready);
            wait->waker->table->wake_by_ref(wait->waker);
        }
        link = next;
    }
    return interests;
}

void watch_remember(struct watch *watch, uint32_t ready, uint32_t given)
{
    uint32_t ended = interests_ended(ready), old = watch->kept | watch->given;
    for (uint32_t i = 0; i < N_INTERESTS; i++) {
        if ((old & 1u << i) == 0)
            watch->told[i] = 0;
        if ((ended & 1u << i) != 0)
            watch->told[i] |= (uint8_t)ready;
    }
    watch->kept |= (uint8_t)(ended & ~given);
    watch->given |= (uint8_t)(ended & given);
}

void watch_recall(const struct watch *watch, uint32_t interests, struct trale_wait *wait)
{
    uint32_t ready = 0;
    for (uint32_t i = 0; i < N_INTERESTS; i++)
        ready |= (interests & 1u << i) != 0 ? watch->told[i] : 0u;
    wait_tell(wait, ready);
}

bool watch_has(const struct watch *watch, const struct trale_wait *wait)
{
    const struct trale_link *link = watch->waits;
    if (link == NULL)
        return false;
    while (link != NULL && link != &wait->link && link->next != watch->waits)
        link = link->next;
    return link == &wait->link;
}

/* The first of the ring: nothing else leads into it. */
static enum eviction watch_evict_first(struct watch *watch)
{
    struct trale_link *link = watch->waits;
    if (list_has(link) && link->next->previous == link && link->previous->next == link) {
        ring_remove(&watch->waits, link);
        return EVICTION_INTACT;
    }
    watch->waits = NULL;
    return EVICTION_BROKEN;
}

enum eviction watch_evict(struct watch *watch, struct trale_wait *wait)
{
    struct trale_link *first = watch->waits, *link = &wait->link, *before = first, *behind = first;
    if (first == link)
        return watch_evict_first(watch);
    if (first == NULL || !list_has(first))
        return EVICTION_NONE;
    while (before->next != first && before->next != link && list_has(before->next))
        before = before->next;
    while (behind->previous != first && behind->previous != link && list_has(behind->previous))
        behind = behind->previous;
    if (before->next != link && behind->previous != link)
        return EVICTION_NONE;
    bool is_intact = link->next == behind && link->previous == before;
    before->next = behind;
    behind->previous = before;
    if (is_intact)
        *link = (struct trale_link){NULL, NULL};
    return is_intact ? EVICTION_INTACT : EVICTION_BROKEN;
}

void watch_reset(struct watch *watch)
{
    watch->generation++;
    watch->armed = watch->kept = watch->given = 0;
    watch_wake(watch, ALL_INTERESTS, 0);
}

void watch_suspect(struct watches *watches, int32_t fd)
{
    const struct watch *watch = watch_find(watches, fd);
    struct watch_chunk *chunk = watches->chunks[fd / WATCHES_CHUNK];
    if (chunk->suspects == NULL)
        chunk->suspects = calloc(WATCHES_CHUNK, sizeof *chunk->suspects);
    if (chunk->suspects != NULL)
        chunk->suspects[fd % WATCHES_CHUNK] = (struct owner){watch->owner, watch->owner_is_task};
}

struct owner watch_take_suspect(struct watches *watches, int32_t fd)
{
    struct owner suspect = {NULL, false}, *suspects = watches->chunks[fd / WATCHES_CHUNK]->suspects;
    if (suspects != NULL) {
        suspect = suspects[fd % WATCHES_CHUNK];
        suspects[fd % WATCHES_CHUNK].name = NULL;
    }
    return suspect;
}

void watch_lose(struct watches *watches, int32_t fd)
{
    watch_suspect(watches, fd);
    watch_reset(watch_find(watches, fd));
}
