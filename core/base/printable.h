/* SPDX-License-Identifier: MIT
 *
 * Texts from files and drivers, made fit to be shown: they cannot control a terminal or look like another line. */
#ifndef CORE_BASE_PRINTABLE_H
#define CORE_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/utf8.h"

/* Whether the character of `n` bytes (utf8_length) is a control character: below U+0020, or U+007F to U+009F. */
static inline bool utf8_is_control(const unsigned char *c, size_t n)
{
    return (n == 1 && (c[0] < ' ' || c[0] == 0x7f)) || (n == 2 && c[0] == 0xc2 && c[1] < 0xa0);
}

/* Copies a text into buf as a string, with each byte of a control character, and each that is not UTF-8, as \xNN. What
 * does not fit is left out, whole characters at a time, and the string ends in "...". `size` is at least 4. Returns the
 * length that the whole would have, as snprintf(3) does. */
size_t printable(char *buf, size_t size, const char *text, size_t length);

/* The same for a part of a message: a text of which 200 bytes are enough. Returns buf. */
#define PRINTABLE_SIZE 201
const char *printable_part(char buf[PRINTABLE_SIZE], const char *text, size_t length);

#endif
