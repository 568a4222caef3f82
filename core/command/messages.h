/* SPDX-License-Identifier: MIT
 *
 * Messages, kept until all are there, and shown in the order of lines. */
#ifndef CORE_COMMAND_MESSAGES_H
#define CORE_COMMAND_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/log.h"

/* A level of the command's own, beside those of trale.h: worth knowing, and nothing wrong. */
#define LEVEL_NOTE 16u

struct message {
    uint32_t level;
    uint32_t line; /* 0: of no line */
    bool has_place;
    char *file, *section, *key; /* NULL where they are not known */
    char *text;
};

struct messages {
    struct message *items;
    size_t n_items, n_errors, n_warnings;
    bool out_of_memory; /* messages are missing */
    struct log log;     /* takes errors, warnings and notes into items */
};

void messages_init(struct messages *messages);
void messages_deinit(struct messages *messages);

/* Whether there is a message of that text. */
bool messages_have(const struct messages *messages, const char *text);

/* Puts those of a file without a line first, then those of lines in their order, then those of no place. */
void messages_sort(struct messages *messages);

/* "error", "warning" or "note". */
const char *messages_level(uint32_t level);

/* A line each: "error: text". */
void messages_print(const struct messages *messages, FILE *file);

/* `"messages": [{"level": "error", "file": ..., "line": ..., "section": ..., "key": ..., "message": ...}, ...]` */
void messages_print_json(const struct messages *messages, FILE *file);

#endif
