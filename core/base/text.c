/* SPDX-License-Identifier: MIT */
#include "core/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_add(struct text *text, const char *format, ...)
{
    char *item = NULL, *longer = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&item, format, arguments) < 0)
        item = NULL;
    va_end(arguments);
    if (item != NULL && asprintf(&longer, "%s%s", text_chars(text), item) < 0)
        longer = NULL;
    free(item);
    text->is_cut |= longer == NULL;
    if (longer == NULL)
        return;
    free(text->chars);
    text->chars = longer;
}
