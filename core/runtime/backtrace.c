/* SPDX-License-Identifier: MIT
 *
 * What a future awaits, and that in turn. Where several are awaited together, each of those that are not over has a
 * backtrace of its own, further in. */
#include <stdio.h>

#include "core/compose/branches.h"

struct text {
    char *buf;
    size_t size;
    size_t length; /* of all of it, also of what no longer fits */
};

static void text_add_line(struct text *text, int depth, const struct trale_future *future)
{
    size_t used = text->length < text->size ? text->length : text->size;
    char *end = text->size > 0 ? text->buf + used : NULL;
    const struct trale_await_point *at = future->at;
    int n = at == NULL ? snprintf(end, text->size - used, "%*s%s\n", 2 * depth, "", future->type->name)
                       : snprintf(end, text->size - used, "%*s%s at %s:%d, awaiting %s\n", 2 * depth, "",
                                  future->type->name, at->file, (int)at->line, at->expression);
    text->length += n > 0 ? (size_t)n : 0;
}

static void text_add_futures(struct text *text, int depth, const struct trale_future *future)
{
    for (; future != NULL; future = future->awaiting) {
        text_add_line(text, depth, future);
        const struct trale_branches *branches = branches_look(future);
        for (size_t i = 0; branches != NULL && i < branches->n_branches; i++)
            text_add_futures(text, depth + 1, branches->branch[i].future);
    }
}

size_t trale_backtrace(const struct trale_future *future, char *buf, size_t size)
{
    struct text text = {buf, size, 0};
    if (size > 0)
        buf[0] = '\0';
    text_add_futures(&text, 0, future);
    return text.length;
}
