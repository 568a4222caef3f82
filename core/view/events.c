/* SPDX-License-Identifier: MIT */
#include "core/view/events.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole file as a string; NULL, and errno says why. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t length = 0, room = 0;
    if (file == NULL)
        return NULL;
    for (size_t n = 1; n > 0; length += n) {
        if (room - length < 2) {
            char *larger = realloc(text, room = 2 * room + 65536);
            if (larger == NULL)
                break;
            text = larger;
        }
        n = fread(text + length, 1, room - length - 1, file);
        text[length + n] = '\0';
    }
    int error = ferror(file) ? EIO : length == room - 1 ? ENOMEM : 0;
    fclose(file);
    if (error == 0 && strlen(text) == length)
        return text;
    free(text);
    errno = error != 0 ? error : EILSEQ;
    return NULL;
}

/* Cuts the next column off; NULL: there is none. */
static char *next_column(char **rest)
{
    return strsep(rest, "\t");
}

static bool read_number(char **rest, int base, uint64_t *number)
{
    char *column = next_column(rest), *end = NULL;
    if (column == NULL || column[0] < '0' || column[0] > 'f')
        return false;
    errno = 0;
    *number = strtoull(column, &end, base);
    return errno == 0 && *end == '\0';
}

/* Reads a line, whose tabs become the ends of strings. */
static bool read_line(char *line, struct event *event)
{
    char *rest = line;
    uint64_t hash;
    if (!read_number(&rest, 10, &event->number) || !read_number(&rest, 10, &event->time_ns) ||
        !read_number(&rest, 16, &hash) || !read_number(&rest, 10, &event->program) ||
        (event->host = next_column(&rest)) == NULL || !read_number(&rest, 10, &event->task) ||
        (event->name = next_column(&rest)) == NULL || (event->kind = next_column(&rest)) == NULL)
        return false;
    event->fields = rest;
    while (next_column(&rest) != NULL)
        event->n_fields++;
    return true;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

int events_read(struct events *events, const char *path, char error[EVENTS_ERROR])
{
    char *text = read_file(path), *line = text, *end;
    struct event *items = text != NULL ? calloc(count_lines(text) + 1, sizeof *items) : NULL;
    size_t n = 0;
    if (items == NULL) {
        int r = errno;
        snprintf(error, EVENTS_ERROR, "%s: %s", path, r == EILSEQ ? "this is no file of events" : strerror(r));
        free(text);
        return -r;
    }
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (!read_line(line, &items[n++])) {
            snprintf(error, EVENTS_ERROR,
                     "%s:%zu: '%.60s' is no event: number, time, hash, program, host, task, name, "
                     "kind and fields, between tabs",
                     path, n, line);
            free(items);
            free(text);
            return -EINVAL;
        }
    }
    *events = (struct events){items, n, text};
    return 0;
}

const char *event_field(const struct event *event, const char *name)
{
    const char *field = event->fields;
    size_t length = strlen(name);
    for (size_t i = 0; i < event->n_fields; i++, field += strlen(field) + 1)
        if (strncmp(field, name, length) == 0 && field[length] == '=')
            return field + length + 1;
    return NULL;
}

uint64_t event_number(const struct event *event, const char *name)
{
    const char *value = event_field(event, name);
    return value != NULL ? strtoull(value, NULL, 10) : 0;
}

void events_free(struct events *events)
{
    free(events->items);
    free(events->text);
    *events = (struct events){0};
}
