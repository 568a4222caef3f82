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
    return &watches->chunks[chunk][fd % WATCHES_CHUNK];
}

struct watch *watch_get(struct watches *watches, int32_t fd)
{
    size_t chunk = (size_t)fd / WATCHES_CHUNK;
    if (chunk >= watches->n_chunks) {
        /* The table grows only for numbers that are open fds. */
        if (fcntl(fd, F_GETFD) < 0)
            return NULL;
        size_t n_chunks = chunk + 1 > 2 * watches->n_chunks ? chunk + 1 : 2 * watches->n_chunks;
        struct watch **chunks = reallocarray(watches->chunks, n_chunks, sizeof *chunks);
        if (chunks == NULL)
            return NULL;
        for (size_t i = watches->n_chunks; i < n_chunks; i++)
            chunks[i] = NULL;
        watches->chunks = chunks;
        watches->n_chunks = n_chunks;
    }
    if (watches->chunks[chunk] == NULL) {
        struct watch *fresh = calloc(WATCHES_CHUNK, sizeof *fresh);
        if (fresh == NULL)
            return NULL;
        for (size_t i = 0; i < WATCHES_CHUNK; i++)
            list_init(&fresh[i].waits);
        watches->chunks[chunk] = fresh;
    }
    return &watches->chunks[chunk][fd % WATCHES_CHUNK];
}

void watches_deinit(struct watches *watches)
{
    for (size_t i = 0; i < watches->n_chunks; i++)
        free(watches->chunks[i]);
    free(watches->chunks);
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

static void wait_tell(struct trale_wait *wait, uint32_t ready)
{
    uint32_t found = wait->interest | TRALE_FAILING | TRALE_HANGUP;
    found |= (wait->interest & TRALE_READABLE) != 0 ? TRALE_READ_HANGUP : 0;
    wait->ready = (uint16_t)(ready & found);
}

static uint32_t watch_end(struct watch *watch, uint32_t ended, uint32_t ready)
{
    uint32_t interests = 0;
    for (struct trale_link *link = watch->waits.next, *next; link != &watch->waits; link = next) {
        struct trale_wait *wait = list_entry(link, struct trale_wait, link);
        next = link->next;
        if ((wait->interest & ended) == 0)
            continue;
        watch->given_to = interests == 0 ? wait : NULL;
        interests |= wait->interest;
        list_remove(link);
        wait_tell(wait, ready);
        wait->waker->table->wake_by_ref(wait->waker);
    }
    return interests;
}

uint32_t watch_wake(struct watch *watch, uint32_t ready)
{
    return watch_end(watch, interests_ended(ready), ready);
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
    const struct trale_link *link = watch->waits.next;
    while (link != &watch->waits && link != &wait->link)
        link = link->next;
    return link == &wait->link;
}

void watch_reset(struct watch *watch)
{
    watch->generation++;
    watch->armed = watch->kept = watch->given = 0;
    watch_end(watch, ALL_INTERESTS, 0);
}

void watch_suspect(struct watch *watch)
{
    watch->suspect = watch->owner;
    watch->suspect_is_task = watch->owner_is_task;
}

void watch_lose(struct watch *watch)
{
    watch_suspect(watch);
    watch_reset(watch);
}
