/* SPDX-License-Identifier: MIT
 *
 * A text that grows, for messages whose length is not known before. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed, it is empty. */
struct text {
    char *chars; /* NULL: empty; freed by the owner */
    bool is_cut; /* memory ran out: something is missing */
};

__attribute__((format(printf, 2, 3))) void text_add(struct text *text, const char *format, ...);

static inline const char *text_chars(const struct text *text)
{
    return text->chars != NULL ? text->chars : "";
}

#endif
