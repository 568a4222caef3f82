/* SPDX-License-Identifier: MIT
 *
 * What a future awaits, and that in turn. Where several are awaited together, each of those that are not over has a
 * backtrace of its own, further in. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/compose/branches.h"
#include "core/executor/executor.h"

struct text {
    char *buf;
    size_t size;
    size_t length; /* of all of it, also of what no longer fits */
};

__attribute__((format(printf, 2, 3))) static void text_print(struct text *text, const char *format, ...)
{
    size_t used = text->length < text->size ? text->length : text->size;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text->size > 0 ? text->buf + used : NULL, text->size - used, format, arguments);
    va_end(arguments);
    text->length += n > 0 ? (size_t)n : 0;
}

static void text_add_line(struct text *text, int depth, const struct trale_future *future)
{
    const struct trale_await_point *at = future->at;
    const struct trale_task *joined = join_look(future);
    text_print(text, "%*s%s", 2 * depth, "", future->type->name);
    if (at != NULL)
        text_print(text, " at %s:%d, awaiting %s", at->file, (int)at->line, at->expression);
    if (joined != NULL && executor_has_here(joined)) /* the number of another runtime's task may be set meanwhile */
        text_print(text, " for task %" PRIu64 " (%s)", task_id(joined), task_name(joined));
    text_print(text, "\n");
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
