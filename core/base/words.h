/* SPDX-License-Identifier: MIT
 *
 * Lists of words in one text, separated by blanks or commas: the drivers in trale.ini, the interfaces of a driver. */
#ifndef CORE_BASE_WORDS_H
#define CORE_BASE_WORDS_H

#include <stddef.h>
#include <string.h>

/* Returns the first word of *list, `*length` bytes long, and moves *list behind it; NULL at the end of the list. */
static inline const char *words_next(const char **list, size_t *length)
{
    const char *word = *list + strspn(*list, " \t,");
    *length = strcspn(word, " \t,");
    *list = word + *length;
    return *length > 0 ? word : NULL;
}

#endif
