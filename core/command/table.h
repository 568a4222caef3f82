/* SPDX-License-Identifier: MIT
 *
 * Tables of text, shown to people in columns or to programs as JSON. */
#ifndef CORE_COMMAND_TABLE_H
#define CORE_COMMAND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table {
    const char *title;
    const char *columns[TABLE_COLUMNS_MAX]; /* their names; NULL ends them */
    char *(*rows)[TABLE_COLUMNS_MAX];
    size_t n_rows;
    bool out_of_memory; /* rows are missing */
};

/* Adds a row; the texts, one for each column, are copied. */
void table_add(struct table *table, ...);

/* In columns, headings first; bold where the file is a terminal and $NO_COLOR is not set. */
void table_print(const struct table *table, FILE *file);

/* `"title": [{"column": "text", ...}, ...]`. Bytes that are not UTF-8 come out as U+FFFD. */
void table_print_json(const struct table *table, FILE *file);

/* A JSON string, quotes included. */
void json_print_string(const char *text, FILE *file);

void table_deinit(struct table *table);

#endif
