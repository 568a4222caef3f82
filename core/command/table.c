/* SPDX-License-Identifier: MIT */
#include "core/command/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/utf8.h"

static size_t table_n_columns(const struct table *table)
{
    size_t n = 0;
    while (n < TABLE_COLUMNS_MAX && table->columns[n] != NULL)
        n++;
    return n;
}

void table_add(struct table *table, ...)
{
    char *(*rows)[TABLE_COLUMNS_MAX] = reallocarray(table->rows, table->n_rows + 1, sizeof *rows);
    if (rows == NULL) {
        table->out_of_memory = true;
        return;
    }
    table->rows = rows;
    va_list texts;
    va_start(texts, table);
    for (size_t i = 0; i < table_n_columns(table); i++) {
        rows[table->n_rows][i] = strdup(va_arg(texts, const char *));
        table->out_of_memory |= rows[table->n_rows][i] == NULL;
    }
    va_end(texts);
    table->n_rows++;
}

static const char *table_text(const struct table *table, size_t row, size_t column)
{
    const char *text = table->rows[row][column];
    return text != NULL ? text : "";
}

/* How many columns of a terminal a text takes: its characters. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void table_print(const struct table *table, FILE *file)
{
    size_t n_columns = table_n_columns(table), widths[TABLE_COLUMNS_MAX];
    bool bold = isatty(fileno(file)) && getenv("NO_COLOR") == NULL;
    for (size_t i = 0; i < n_columns; i++) {
        widths[i] = text_width(table->columns[i]);
        for (size_t row = 0; row < table->n_rows; row++)
            if (text_width(table_text(table, row, i)) > widths[i])
                widths[i] = text_width(table_text(table, row, i));
    }
    for (size_t row = 0; row < table->n_rows + 1; row++) {
        fputs(row == 0 && bold ? "\033[1m" : "", file);
        for (size_t i = 0; i < n_columns; i++) {
            const char *text = row == 0 ? table->columns[i] : table_text(table, row - 1, i);
            int padding = i + 1 < n_columns ? (int)(widths[i] - text_width(text)) + 2 : 0;
            fprintf(file, "%s%*s", text, padding, "");
        }
        fputs(row == 0 && bold ? "\033[0m\n" : "\n", file);
    }
}

void json_print_string(const char *text, FILE *file)
{
    size_t rest = strlen(text);
    putc('"', file);
    while (rest > 0) {
        size_t n = utf8_length((const unsigned char *)text, rest);
        unsigned char c = (unsigned char)*text;
        if (n == 0)
            fputs("\\ufffd", file);
        else if (c < ' ' || c == 0x7f)
            fprintf(file, "\\u%04x", c);
        else
            fprintf(file, "%s%.*s", c == '"' || c == '\\' ? "\\" : "", (int)n, text);
        text += n > 0 ? n : 1;
        rest -= n > 0 ? n : 1;
    }
    putc('"', file);
}

void table_print_json(const struct table *table, FILE *file)
{
    json_print_string(table->title, file);
    fputs(": [", file);
    for (size_t row = 0; row < table->n_rows; row++) {
        fputs(row > 0 ? ", {" : "{", file);
        for (size_t i = 0; i < table_n_columns(table); i++) {
            fputs(i > 0 ? ", " : "", file);
            json_print_string(table->columns[i], file);
            fputs(": ", file);
            json_print_string(table_text(table, row, i), file);
        }
        putc('}', file);
    }
    putc(']', file);
}

void table_deinit(struct table *table)
{
    for (size_t row = 0; row < table->n_rows; row++)
        for (size_t i = 0; i < table_n_columns(table); i++)
            free(table->rows[row][i]);
    free(table->rows);
    table->rows = NULL;
    table->n_rows = 0;
}
