/* SPDX-License-Identifier: MIT */
#include "core/command/messages.h"

#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/command/table.h"

const char *messages_level(uint32_t level)
{
    return level == TRALE_LOG_ERROR ? "error" : level == TRALE_LOG_WARNING ? "warning" : "note";
}

static char *copy(struct messages *messages, const char *text)
{
    char *own = text != NULL ? strdup(text) : NULL;
    messages->out_of_memory |= text != NULL && own == NULL;
    return own;
}

static void add(void *data, uint32_t level, const struct log_place *place, const char *text)
{
    struct messages *messages = data;
    if (level > TRALE_LOG_WARNING && level != LEVEL_NOTE)
        return;
    messages->n_errors += level == TRALE_LOG_ERROR;
    messages->n_warnings += level == TRALE_LOG_WARNING;
    struct message *items = reallocarray(messages->items, messages->n_items + 1, sizeof *items);
    if (items == NULL) {
        messages->out_of_memory = true;
        return;
    }
    messages->items = items;
    items[messages->n_items++] = (struct message){.level = level,
                                                  .line = place->line,
                                                  .has_place = place->file != NULL,
                                                  .file = copy(messages, place->file),
                                                  .section = copy(messages, place->section),
                                                  .key = copy(messages, place->key),
                                                  .text = copy(messages, text)};
}

static void add_without_place(void *data, uint32_t level, const char *source, const char *text)
{
    (void)source;
    add(data, level, &(struct log_place){0}, text);
}

void messages_init(struct messages *messages)
{
    *messages = (struct messages){.log = {.write = add_without_place, .data = messages, .write_at = add}};
}

void messages_deinit(struct messages *messages)
{
    for (size_t i = 0; i < messages->n_items; i++) {
        free(messages->items[i].file);
        free(messages->items[i].section);
        free(messages->items[i].key);
        free(messages->items[i].text);
    }
    free(messages->items);
}

bool messages_have(const struct messages *messages, const char *text)
{
    for (size_t i = 0; i < messages->n_items; i++)
        if (messages->items[i].text != NULL && strcmp(messages->items[i].text, text) == 0)
            return true;
    return false;
}

static bool goes_before(const struct message *a, const struct message *b)
{
    return a->has_place != b->has_place ? a->has_place : a->line < b->line;
}

/* By insertion: they are few, almost in order, and equal ones stay as they are. */
void messages_sort(struct messages *messages)
{
    for (size_t i = 1; i < messages->n_items; i++) {
        struct message message = messages->items[i];
        size_t at = i;
        for (; at > 0 && goes_before(&message, &messages->items[at - 1]); at--)
            messages->items[at] = messages->items[at - 1];
        messages->items[at] = message;
    }
}

void messages_print(const struct messages *messages, FILE *file)
{
    for (size_t i = 0; i < messages->n_items; i++)
        if (messages->items[i].text != NULL)
            fprintf(file, "%s: %s\n", messages_level(messages->items[i].level), messages->items[i].text);
}

void messages_print_json(const struct messages *messages, FILE *file)
{
    struct table table = {.title = "messages",
                          .columns = {{.name = "level"},
                                      {.name = "file"},
                                      {.name = "line"},
                                      {.name = "section"},
                                      {.name = "key"},
                                      {.name = "message"}}};
    for (size_t i = 0; i < messages->n_items; i++) {
        const struct message *message = &messages->items[i];
        table_add_text(&table, messages_level(message->level));
        table_add_text(&table, message->file);
        if (message->line > 0)
            table_add_number(&table, message->line);
        else
            table_add_text(&table, NULL);
        table_add_text(&table, message->section);
        table_add_text(&table, message->key);
        table_add_text(&table, message->text);
    }
    table_print_json(&table, file);
    table_deinit(&table);
}
