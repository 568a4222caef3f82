/* SPDX-License-Identifier: MIT */
#include "draw.h"

#include <string.h>

uint64_t draw_hash(const void *bytes, size_t n_bytes)
{
    const unsigned char *at = bytes;
    uint64_t hash = draw_mix(n_bytes + 1), word;
    for (; n_bytes >= sizeof word; n_bytes -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= hash >> 32;
    }
    if (n_bytes > 0) {
        word = 0;
        memcpy(&word, at, n_bytes);
        hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
        hash ^= hash >> 32;
    }
    return draw_mix(hash);
}

uint64_t draw_stream(const char *name)
{
    return draw_hash(name, strlen(name));
}
