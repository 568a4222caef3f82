/* SPDX-License-Identifier: MIT */
#include "core/command/table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/printable.h"
#include "core/base/words.h"

/* --- cells -------------------------------------------------------------------------------------------------------- */

/* Takes both texts over. */
static void add_cell(struct table *table, char *shown, char *json)
{
    struct table_cell *cells = reallocarray(table->cells, table->n_cells + 1, sizeof *cells);
    if (cells != NULL)
        table->cells = cells;
    if (cells == NULL || shown == NULL || json == NULL) {
        table->out_of_memory = true;
        free(shown);
        free(json);
        return;
    }
    cells[table->n_cells++] = (struct table_cell){shown, json};
}

/* What `print` writes, as a string; NULL if memory is out. */
static char *printed(void (*print)(const char *text, FILE *file), const char *text)
{
    char *string = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&string, &size);
    if (file == NULL)
        return NULL;
    print(text, file);
    if (fclose(file) == 0)
        return string;
    free(string);
    return NULL;
}

static char *without_control_characters(const char *text, size_t length)
{
    size_t size = 4 * length + 4;
    char *shown = malloc(size);
    if (shown != NULL)
        printable(shown, size, text, length);
    return shown;
}

void table_add_text(struct table *table, const char *text)
{
    const char *shown = text != NULL ? text : "";
    add_cell(table, without_control_characters(shown, strlen(shown)), printed(json_print_text, text));
}

static void print_words(const char *words, FILE *file)
{
    const char *word;
    size_t length;
    putc('[', file);
    for (const char *separator = ""; (word = words_next(&words, &length)) != NULL; separator = ", ") {
        char *copy = strndup(word, length);
        fputs(separator, file);
        json_print_text(copy, file);
        free(copy);
    }
    putc(']', file);
}

void table_add_words(struct table *table, const char *words)
{
    add_cell(table, without_control_characters(words, strlen(words)), printed(print_words, words));
}

void table_add_number(struct table *table, int64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)number);
    add_cell(table, strdup(text), strdup(text));
}

void table_add_truth(struct table *table, bool truth)
{
    const char *text = truth ? "true" : "false";
    add_cell(table, strdup(text), strdup(text));
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static size_t count_columns(const struct table *table)
{
    size_t n = 0;
    while (n < TABLE_COLUMNS_MAX && table->columns[n].name != NULL)
        n++;
    return n;
}

/* Rows that are whole; none if memory was out, for then cells are not where they should be. */
static size_t count_rows(const struct table *table)
{
    return table->out_of_memory ? 0 : table->n_cells / count_columns(table);
}

/* How many columns of a terminal a text takes: its characters. */
static int text_width(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void table_print(const struct table *table, FILE *file)
{
    size_t n_columns = count_columns(table), n_rows = count_rows(table);
    int widths[TABLE_COLUMNS_MAX];
    bool bold = isatty(fileno(file)) && getenv("NO_COLOR") == NULL;
    for (size_t i = 0; i < n_columns; i++) {
        widths[i] = text_width(table->columns[i].name);
        for (size_t row = 0; row < n_rows; row++)
            if (text_width(table->cells[row * n_columns + i].shown) > widths[i])
                widths[i] = text_width(table->cells[row * n_columns + i].shown);
    }
    for (size_t line = 0; line <= n_rows; line++) { /* the first has the headings */
        int padding = 0;
        fputs(line == 0 && bold ? "\033[1m" : "", file);
        for (size_t i = 0; i < n_columns; i++) {
            if (table->columns[i].readers == FOR_PROGRAMS)
                continue;
            const char *text = line == 0 ? table->columns[i].name : table->cells[(line - 1) * n_columns + i].shown;
            if (text[0] == '\0') { /* its blanks are printed with the next text, if one follows */
                padding += widths[i] + 2;
                continue;
            }
            fprintf(file, "%*s%s", padding, "", text);
            padding = widths[i] - text_width(text) + 2;
        }
        fputs(line == 0 && bold ? "\033[0m\n" : "\n", file);
    }
}

void table_print_text(const char *text, size_t length, FILE *file)
{
    char *shown = without_control_characters(text, length);
    fputs(shown != NULL ? shown : "?", file);
    free(shown);
}

void json_print_text(const char *text, FILE *file)
{
    if (text == NULL) {
        fputs("null", file);
        return;
    }
    putc('"', file);
    for (size_t rest = strlen(text); rest > 0;) {
        const unsigned char *c = (const unsigned char *)text;
        size_t n = utf8_length(c, rest);
        if (n == 0)
            fputs("\\ufffd", file);
        else if (utf8_is_control(c, n))
            fprintf(file, "\\u%04x", c[n - 1]);
        else
            fprintf(file, "%s%.*s", c[0] == '"' || c[0] == '\\' ? "\\" : "", (int)n, text);
        text += n > 0 ? n : 1;
        rest -= n > 0 ? n : 1;
    }
    putc('"', file);
}

void table_print_json(const struct table *table, FILE *file)
{
    size_t n_columns = count_columns(table), n_rows = count_rows(table);
    json_print_text(table->title, file);
    fputs(": [", file);
    for (size_t row = 0; row < n_rows; row++) {
        const char *separator = "";
        fputs(row > 0 ? ",\n  {" : "\n  {", file);
        for (size_t i = 0; i < n_columns; i++) {
            if (table->columns[i].readers == FOR_PEOPLE)
                continue;
            fputs(separator, file);
            json_print_text(table->columns[i].name, file);
            fprintf(file, ": %s", table->cells[row * n_columns + i].json);
            separator = ", ";
        }
        putc('}', file);
    }
    putc(']', file);
}

void table_deinit(struct table *table)
{
    for (size_t i = 0; i < table->n_cells; i++) {
        free(table->cells[i].shown);
        free(table->cells[i].json);
    }
    free(table->cells);
    table->cells = NULL;
    table->n_cells = 0;
}
