/* SPDX-License-Identifier: MIT */
#include "core/executor/shuffle.h"

/* Where the pointer to a place is, of which the place above is not empty. */
static struct trale_link **place_of(struct shuffle *shuffle, uint64_t number)
{
    struct trale_link **place = &shuffle->root;
    for (int bit = 62 - __builtin_clzll(number); bit >= 0; bit--)
        place = (number >> bit & 1) != 0 ? &(*place)->previous : &(*place)->next;
    return place;
}

void shuffle_add(struct shuffle *shuffle, struct trale_link *link)
{
    link->next = link->previous = NULL;
    *place_of(shuffle, ++shuffle->n_links) = link;
}

/* The last link takes the place of the one that leaves. */
static struct trale_link *take(struct shuffle *shuffle, uint64_t number)
{
    struct trale_link **place = place_of(shuffle, number), **last_place = place_of(shuffle, shuffle->n_links--);
    struct trale_link *taken = *place, *last = *last_place;
    *last_place = NULL;
    if (taken != last) {
        *last = *taken;
        *place = last;
    }
    taken->next = taken->previous = NULL;
    return taken;
}

/* The n-th number of a seed (splitmix64): from 0 to 2^64 - 1, each equally often. */
static uint64_t draw(uint64_t seed, uint64_t n)
{
    uint64_t x = seed + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

struct trale_link *shuffle_pick(struct shuffle *shuffle, uint64_t seed, uint64_t n)
{
    /* Seeds are often small and close together: each has a start of its own in the row of numbers. */
    uint64_t number = (uint64_t)((unsigned __int128)draw(draw(seed, 0), n) * shuffle->n_links >> 64);
    return take(shuffle, number + 1);
}

static void each(struct trale_link *link, void (*visit)(void *data, struct trale_link *link), void *data)
{
    if (link == NULL)
        return;
    visit(data, link);
    each(link->next, visit, data);
    each(link->previous, visit, data);
}

void shuffle_each(const struct shuffle *shuffle, void (*visit)(void *data, struct trale_link *link), void *data)
{
    each(shuffle->root, visit, data);
}
