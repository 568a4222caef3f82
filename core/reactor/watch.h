/* SPDX-License-Identifier: MIT
 *
 * One `struct watch` for each fd number: the waits for it, and its registration in epoll. */
#ifndef CORE_REACTOR_WATCH_H
#define CORE_REACTOR_WATCH_H

#include <stdbool.h>

#include <trale/driver.h>

#include "core/base/list.h"

#define N_INTERESTS 4
#define ALL_INTERESTS (TRALE_READABLE | TRALE_WRITABLE | TRALE_FAILING | TRALE_PRIORITY_DATA)
#define WATCHES_CHUNK 64

/* What waits, for messages: a driver, or a task of an application. The name is lent until the reactor ends. */
struct owner {
    const char *name;
    bool is_task;
};

struct watch {
    struct trale_link *waits;          /* a ring, or NULL */
    const struct trale_wait *given_to; /* the wait that this edge woke; NULL: it woke several */
    const char *owner;                 /* the driver or the task that added the fd to epoll by its wait */
    uint32_t generation;
    uint16_t n_events; /* modulo 65,536: at 0 the registration is checked */
    uint8_t armed;     /* interests that epoll reports; 0: the fd is not in epoll */
    uint8_t kept;      /* edge-triggered: interests whose edge found no wait */
    uint8_t given;     /* edge-triggered: interests whose edge woke a wait, and that no future has found empty since */
    uint8_t told[N_INTERESTS]; /* what the edges reported, for each interest that is kept or given */
    bool owner_is_task;
};
_Static_assert(sizeof(struct watch) == 40, "what an fd costs");

struct watch_chunk {
    struct watch watches[WATCHES_CHUNK];
    struct owner *suspects; /* one for each watch, see watch_suspect; NULL: there are none */
};

/* The watches by number, in chunks that never move. Zeroed, it has none. */
struct watches {
    struct watch_chunk **chunks;
    size_t n_chunks;
};

/* The watch of a number that has one, or NULL. */
struct watch *watch_find(const struct watches *watches, int32_t fd);

/* The same, made if there is none; NULL, with errno, when memory is out or the number is not open. */
struct watch *watch_get(struct watches *watches, int32_t fd);

void watches_deinit(struct watches *watches);

/* The interests of which a wait ends when this is ready: an error or a hangup ends all. */
static inline uint32_t interests_ended(uint32_t ready)
{
    if ((ready & (TRALE_FAILING | TRALE_HANGUP)) != 0)
        return ALL_INTERESTS;
    return (ready & ALL_INTERESTS) | ((ready & TRALE_READ_HANGUP) != 0 ? TRALE_READABLE : 0);
}

/* Ends the waits for any of the interests `ended`, and tells them what is ready; returns all interests that these waits
 * were for. */
uint32_t watch_wake(struct watch *watch, uint32_t ended, uint32_t ready);

/* Edge-triggered: remembers an edge, given to waits for the interests `given` and kept for all others that it ends. */
void watch_remember(struct watch *watch, uint32_t ready, uint32_t given);

/* Tells a wait what the remembered edges reported for these interests. */
void watch_recall(const struct watch *watch, uint32_t interests, struct trale_wait *wait);

/* Whether a wait is among those of the watch. */
bool watch_has(const struct watch *watch, const struct trale_wait *wait);

enum eviction {
    EVICTION_NONE,   /* The wait was not registered. */
    EVICTION_INTACT, /* It was, and is no more. */
    EVICTION_BROKEN, /* The same, but its memory has become something else, and is left alone. */
};

/* Takes a wait off the ring, whatever its memory holds. What is before and behind it is linked again, and other waits
 * whose memory was cleared go with it; but if it was the first and is broken, all waits of the watch go. */
enum eviction watch_evict(struct watch *watch, struct trale_wait *wait);

/* The number has no file, or another one: ends all waits, and makes the events of the old file stale. */
void watch_reset(struct watch *watch);

/* Notes that the owner of a watch that is there has closed the fd without forgetting it; not if memory is out. */
void watch_suspect(struct watches *watches, int32_t fd);

/* Takes that note; its name is NULL if there is none. */
struct owner watch_take_suspect(struct watches *watches, int32_t fd);

/* watch_suspect and watch_reset. */
void watch_lose(struct watches *watches, int32_t fd);

#endif
