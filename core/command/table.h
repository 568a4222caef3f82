/* SPDX-License-Identifier: MIT
 *
 * Tables, shown to people in columns or to programs as JSON. */
#ifndef CORE_COMMAND_TABLE_H
#define CORE_COMMAND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 24

enum table_readers {
    FOR_ALL,      /* The column is in both forms. */
    FOR_PEOPLE,   /* It is only in columns. */
    FOR_PROGRAMS, /* It is only in JSON. */
};

/* The cells of a row are added one by one, in the order of the columns. */
struct table {
    const char *title;
    struct table_column {
        const char *name; /* NULL ends them */
        enum table_readers readers;
    } columns[TABLE_COLUMNS_MAX + 1];
    struct table_cell {
        char *shown; /* for people: without control characters */
        char *json;  /* for programs: a JSON value */
    } * cells;
    size_t n_cells;
    bool out_of_memory; /* cells are missing */
};

/* A text; NULL is null in JSON, and nothing in columns. */
void table_add_text(struct table *table, const char *text);

/* A list of words (words.h): an array in JSON. */
void table_add_words(struct table *table, const char *words);

void table_add_number(struct table *table, int64_t number);
void table_add_truth(struct table *table, bool truth);

/* In columns, headings first; bold where the file is a terminal and $NO_COLOR is not set. */
void table_print(const struct table *table, FILE *file);

/* `"title": [{"column": value, ...}, ...]`. Bytes that are not UTF-8 come out as U+FFFD. */
void table_print_json(const struct table *table, FILE *file);

/* A text as it is shown in columns. */
void table_print_text(const char *text, size_t length, FILE *file);

/* A JSON string, quotes included; "null" for NULL. */
void json_print_text(const char *text, FILE *file);

void table_deinit(struct table *table);

#endif
