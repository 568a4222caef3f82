/* SPDX-License-Identifier: MIT */
#include "core/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/printable.h"

/* snprintf behind the first `used` bytes of buf; returns `used` and what it would add. */
__attribute__((format(printf, 4, 5))) static size_t add(char *buf, size_t size, size_t used, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(used < size ? buf + used : NULL, used < size ? size - used : 0, format, arguments);
    va_end(arguments);
    return used + (n > 0 ? (size_t)n : 0);
}

/* "file:line: [section] key = value: ", as much of it as is known. Returns its length, also where it does not fit. */
static size_t compose_place(char *buf, size_t size, const struct log_place *place)
{
    size_t used = 0;
    if (place->file != NULL && place->line > 0)
        used = add(buf, size, used, "%s:%u: ", place->file, place->line);
    else if (place->file != NULL)
        used = add(buf, size, used, "%s: ", place->file);
    if (place->section != NULL)
        used = add(buf, size, used, "[%s]%s", place->section, place->key != NULL ? " " : ": ");
    if (place->key != NULL && place->value != NULL) {
        char value[PRINTABLE_SIZE];
        used = add(buf, size, used, "%s = %s: ", place->key, printable_part(value, place->value, strlen(place->value)));
    } else if (place->key != NULL) {
        used = add(buf, size, used, "%s: ", place->key);
    }
    return used;
}

/* The message with its place in buf, as far as it fits. Returns the length of all of it. */
static size_t compose(char *buf, size_t size, const struct log_place *place, const char *format, va_list arguments)
{
    size_t used = place != NULL ? compose_place(buf, size, place) : 0;
    int n = vsnprintf(used < size ? buf + used : NULL, used < size ? size - used : 0, format, arguments);
    return used + (n > 0 ? (size_t)n : 0);
}

/* `prefix` is written in front of the message; `place` goes to log->write_at. Either may be NULL. */
static void say(const struct log *log, uint32_t level, const char *source, const struct log_place *place,
                const struct log_place *prefix, const char *format, va_list arguments)
{
    /* `shown` is the smaller one, so that what was cut off from `text` is missed there too, and ends in "...". */
    char text[1024], shown[sizeof text - 1], *whole = NULL;
    const char *message = shown;
    va_list again;
    va_copy(again, arguments);
    size_t length = compose(text, sizeof text, prefix, format, arguments);
    size_t size = printable(shown, sizeof shown, text, length < sizeof text ? length : sizeof text - 1) + 1;
    if (size > sizeof shown) {
        size = length + 1;
        whole = malloc(size + 4 * size);
    }
    if (whole != NULL) {
        compose(whole, size, prefix, format, again);
        printable(whole + size, 4 * size, whole, length);
        message = whole + size;
    }
    va_end(again);
    if (place != NULL && log->write_at != NULL)
        log->write_at(log->data, level, place, message);
    else
        log->write(log->data, level, source, message);
    free(whole);
}

void log_say(const struct log *log, uint32_t level, const char *source, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(log, level, source, NULL, NULL, format, arguments);
    va_end(arguments);
}

void log_say_at(const struct log *log, uint32_t level, const struct log_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(log, level, "trale", place, place, format, arguments);
    va_end(arguments);
}

void log_say_about(const struct log *log, uint32_t level, const struct log_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(log, level, "trale", place, NULL, format, arguments);
    va_end(arguments);
}

void log_to_stderr(void *data, uint32_t level, const char *source, const char *message)
{
    (void)data;
    if (level <= TRALE_LOG_WARNING)
        fprintf(stderr, "%s: %s\n", source, message);
}
