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

uint32_t watch_wake(struct watch *watch, uint32_t directions)
{
    uint32_t interests = 0;
    for (struct trale_link *link = watch->waits.next, *next; link != &watch->waits; link = next) {
        struct trale_wait *wait = list_entry(link, struct trale_wait, link);
        next = link->next;
        if ((wait->interest & directions) == 0)
            continue;
        watch->given_to = interests == 0 ? wait : NULL;
        interests |= wait->interest;
        list_remove(link);
        wait->waker->table->wake_by_ref(wait->waker);
    }
    return interests;
}

void watch_reset(struct watch *watch)
{
    watch->generation++;
    watch->armed = watch->kept = watch->given = 0;
    watch_wake(watch, ALL_DIRECTIONS);
}

void watch_lose(struct watch *watch)
{
    watch->suspect = watch->owner;
    watch_reset(watch);
}
