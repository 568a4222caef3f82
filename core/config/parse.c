/* SPDX-License-Identifier: MIT
 *
 * inih parses. But its releases treat long, indented and broken lines differently, and mostly in silence: the rest of a
 * long line becomes a line of its own, an indented line continues the value before it, long section names are cut. So
 * every line is vetted first (vet.c), and inih sees only lines about which all parsers agree. Then both must have found
 * the same sections, keys and values.
 *
 * A line may be as long as the file, but inih's buffer for a line has 200 bytes, or the size that inih was built with.
 * A line that does not fit goes to inih without its comment and without its value, which is taken from the vetted line.
 */
#include "core/config/parse.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/config/vet.h"

/* The text that inih reads, a line at a time, and the table that it fills. */
struct parse {
    const char *rest, *end;
    uint32_t number;
    struct line line; /* the one that inih was given last */
    bool shortened;   /* without its value */
    struct config *config;
    int error;
};

/* As fgets(3). */
static char *read_line(char *buf, int size, void *data)
{
    struct parse *parse = data;
    if (parse->rest == parse->end)
        return NULL;
    const char *text = parse->rest, *newline = memchr(text, '\n', (size_t)(parse->end - text));
    size_t length = (size_t)((newline != NULL ? newline : parse->end) - text);
    parse->rest = newline != NULL ? newline + 1 : parse->end;
    parse->number++;
    parse->line = line_split(text, length);
    parse->shortened = length + 2 > (size_t)size;
    int name_length = (int)parse->line.name_length, n;
    if (!parse->shortened)
        n = snprintf(buf, (size_t)size, "%.*s\n", (int)length, text);
    else if (parse->line.kind == LINE_SECTION)
        n = snprintf(buf, (size_t)size, "[%.*s]\n", name_length, parse->line.name);
    else if (parse->line.kind == LINE_ENTRY)
        n = snprintf(buf, (size_t)size, "%.*s =\n", name_length, parse->line.name);
    else
        n = snprintf(buf, (size_t)size, "\n");
    return n < size ? buf : NULL;
}

static int add_entry(struct parse *parse, const char *section, const char *key)
{
    struct config *config = parse->config;
    const struct config_section *known = config_section(config, section);
    if (known == NULL)
        return -EINVAL;
    struct config_entry entry = {.section = (size_t)(known - config->sections),
                                 .key = strdup(key),
                                 .value = strndup(parse->line.value, parse->line.value_length),
                                 .line = parse->number};
    struct config_entry *entries = reallocarray(config->entries, config->n_entries + 1, sizeof *entries);
    if (entries != NULL)
        config->entries = entries;
    if (entry.key == NULL || entry.value == NULL || entries == NULL) {
        free(entry.key);
        free(entry.value);
        return -ENOMEM;
    }
    config->entries[config->n_entries++] = entry;
    return 0;
}

static bool equals(const char *text, const char *expected, size_t length)
{
    return strlen(text) == length && memcmp(text, expected, length) == 0;
}

static int take_entry(void *data, const char *section, const char *key, const char *value)
{
    struct parse *parse = data;
    const struct line *line = &parse->line;
    bool agrees = line->kind == LINE_ENTRY && equals(key, line->name, line->name_length) &&
                  equals(value != NULL ? value : "", line->value, parse->shortened ? 0 : line->value_length);
    if (parse->error == 0)
        parse->error = agrees ? add_entry(parse, section, key) : -EINVAL;
    return parse->error == 0;
}

static int check_duplicates(const struct config *config, const struct log *log)
{
    int result = 0;
    for (size_t i = 0; i < config->n_entries; i++) {
        const struct config_entry *entry = &config->entries[i];
        const char *section = config->sections[entry->section].name;
        const struct config_entry *first = config_entry(config, section, entry->key);
        if (first == entry)
            continue;
        log_say_at(log, TRALE_LOG_ERROR, &(struct log_place){config->name, entry->line, section, entry->key, NULL},
                   "given twice, first in line %u", first->line);
        result = -EINVAL;
    }
    return result;
}

int config_parse(struct config *config, const char *name, const char *text, size_t length, const struct log *log)
{
    size_t n_entries = 0;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        text += 3;
        length -= 3;
    }
    struct parse parse = {.rest = text, .end = text + length, .config = config};
    config->name = strdup(name);
    int r = config->name != NULL ? config_vet(config, text, length, &n_entries, log) : -ENOMEM;
    if (r == 0) {
        int line = ini_parse_stream(read_line, &parse, take_entry, &parse);
        r = parse.error != -EINVAL ? parse.error : 0;
        if (r == 0 && (line != 0 || parse.error < 0 || parse.rest != parse.end || config->n_entries != n_entries)) {
            log_say_at(log, TRALE_LOG_ERROR, &(struct log_place){.file = name, .line = parse.number},
                       "the parser found %zu keys up to here, and not the %zu of the file", config->n_entries,
                       n_entries);
            r = -EINVAL;
        }
    }
    if (r == 0)
        r = check_duplicates(config, log);
    if (r < 0)
        config_deinit(config);
    return r;
}
