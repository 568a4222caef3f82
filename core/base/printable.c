/* SPDX-License-Identifier: MIT */
#include "core/base/printable.h"

#include <stdio.h>
#include <string.h>

/* The first character of the text as it is shown, in `shown`; returns how many bytes of the text it takes. */
static size_t show_character(const char *text, size_t length, char shown[9])
{
    const unsigned char *c = (const unsigned char *)text;
    size_t n = utf8_length(c, length);
    if (n != 0 && !utf8_is_control(c, n)) {
        memcpy(shown, text, n);
        shown[n] = '\0';
        return n;
    }
    size_t n_bytes = n == 0 ? 1 : n; /* a control character has one byte or two */
    for (size_t i = 0; i < n_bytes && i < 2; i++)
        snprintf(shown + 4 * i, 5, "\\x%02x", c[i]);
    return n_bytes;
}

size_t printable(char *buf, size_t size, const char *text, size_t length)
{
    size_t used = 0, cut = 0; /* cut: where "..." would still fit */
    while (length > 0) {
        char shown[9];
        size_t n = show_character(text, length, shown), n_shown = strlen(shown);
        if (used + n_shown < size)
            memcpy(buf + used, shown, n_shown);
        used += n_shown;
        if (used + 4 <= size)
            cut = used;
        text += n;
        length -= n;
    }
    if (used < size)
        buf[used] = '\0';
    else
        memcpy(buf + cut, "...", 4);
    return used;
}

const char *printable_part(char buf[PRINTABLE_SIZE], const char *text, size_t length)
{
    printable(buf, PRINTABLE_SIZE, text, length);
    return buf;
}
