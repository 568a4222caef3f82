/* SPDX-License-Identifier: MIT
 *
 * Lists of words in one text, separated by blanks or commas: the drivers in trale.ini, the interfaces of a driver. */
#ifndef CORE_BASE_WORDS_H
#define CORE_BASE_WORDS_H

#include <stdbool.h>
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

/* Whether a word is this text. */
static inline bool word_is(const char *word, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(word, text, length) == 0;
}

/* Where the list first has the word, or NULL. */
static inline const char *words_find(const char *list, const char *text, size_t length)
{
    const char *word;
    size_t word_length;
    while ((word = words_next(&list, &word_length)) != NULL)
        if (word_length == length && memcmp(word, text, length) == 0)
            return word;
    return NULL;
}

#endif
