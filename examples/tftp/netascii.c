/* SPDX-License-Identifier: MIT */
#include "netascii.h"

size_t netascii_decode(uint8_t *to, const uint8_t *from, size_t size, bool *has_cr)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        const bool was_cr = *has_cr;
        *has_cr = from[i] == '\r';
        if (was_cr && from[i] != '\n')
            to[n++] = '\r';
        if (!*has_cr && !(was_cr && from[i] == '\0'))
            to[n++] = from[i];
    }
    if (size == 0 && *has_cr) {
        *has_cr = false;
        to[n++] = '\r';
    }
    return n;
}
