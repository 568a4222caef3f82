/* SPDX-License-Identifier: MIT */
#include "bytes.h"

#include <errno.h>
#include <string.h>

#define FIRST_ROOM 4096u

void bytes_copy(const struct bytes *bytes, uint64_t at, void *buf, uint64_t n)
{
    if (n == 0)
        return;
    uint64_t from = (bytes->first + at) & (bytes->room - 1);
    uint64_t n_straight = bytes->room - from < n ? bytes->room - from : n;
    memcpy(buf, bytes->ring + from, n_straight);
    memcpy((unsigned char *)buf + n_straight, bytes->ring, n - n_straight);
}

static int bytes_grow(struct bytes *bytes, struct memory *memory, uint64_t least)
{
    uint64_t room = bytes->room > 0 ? bytes->room : FIRST_ROOM;
    while (room < least)
        room *= 2;
    unsigned char *ring = memory_take(memory, room);
    if (ring == NULL)
        return -ENOMEM;
    bytes_copy(bytes, 0, ring, bytes->size);
    memory_give(memory, bytes->ring, bytes->room);
    bytes->ring = ring;
    bytes->room = room;
    bytes->first = 0;
    return 0;
}

int bytes_append(struct bytes *bytes, struct memory *memory, const void *added, uint64_t n)
{
    if (n == 0)
        return 0;
    if (bytes->room - bytes->size < n) {
        int r = bytes_grow(bytes, memory, bytes->size + n);
        if (r < 0)
            return r;
    }
    uint64_t to = (bytes->first + bytes->size) & (bytes->room - 1);
    uint64_t n_straight = bytes->room - to < n ? bytes->room - to : n;
    memcpy(bytes->ring + to, added, n_straight);
    memcpy(bytes->ring, (const unsigned char *)added + n_straight, n - n_straight);
    bytes->size += n;
    return 0;
}

void bytes_discard(struct bytes *bytes, uint64_t n)
{
    bytes->size -= n;
    bytes->first = bytes->size > 0 ? (bytes->first + n) & (bytes->room - 1) : 0;
}

void bytes_free(struct bytes *bytes, struct memory *memory)
{
    memory_give(memory, bytes->ring, bytes->room);
    *bytes = (struct bytes){0};
}
