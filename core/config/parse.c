/* SPDX-License-Identifier: MIT
 *
 * inih parses; but what it does with lines that are too long, indented, or broken differs between its releases, and
 * most of it passes in silence: the rest of a long line becomes a line of its own, an indented one continues the value
 * before it, long section names are cut. So every line is vetted first (config_vet.c), and inih sees only text about
 * which there are no two opinions. Then both must have found the same entries. */
#include "core/config/parse.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/config/vet.h"

/* What inih reads from, a line at a time, and what it is read into. */
struct parse {
    const char *rest, *end;
    uint32_t line;
    struct config *config;
    int error;
};

/* As fgets(3). The text has no line that does not fit: they were vetted. */
static char *read_line(char *buf, int size, void *data)
{
    struct parse *parse = data;
    if (parse->rest == parse->end)
        return NULL;
    const char *newline = memchr(parse->rest, '\n', (size_t)(parse->end - parse->rest));
    size_t length = newline != NULL ? (size_t)(newline + 1 - parse->rest) : (size_t)(parse->end - parse->rest);
    if (length >= (size_t)size) {
        parse->error = -EINVAL;
        return NULL;
    }
    memcpy(buf, parse->rest, length);
    buf[length] = '\0';
    parse->rest += length;
    parse->line++;
    return buf;
}

static int add_entry(struct config *config, const char *section, const char *key, const char *value, uint32_t line)
{
    const struct config_section *known = config_section(config, section);
    if (known == NULL)
        return -EINVAL;
    struct config_entry entry = {(size_t)(known - config->sections), strdup(key), strdup(value), line};
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

static int take_entry(void *data, const char *section, const char *key, const char *value)
{
    struct parse *parse = data;
    if (parse->error == 0)
        parse->error = add_entry(parse->config, section, key, value != NULL ? value : "", parse->line);
    return parse->error == 0;
}

static int check_duplicates(const struct config *config, const struct log *log)
{
    int result = 0;
    for (size_t i = 0; i < config->n_entries; i++) {
        const struct config_entry *entry = &config->entries[i];
        const struct config_entry *first = config_entry(config, config->sections[entry->section].name, entry->key);
        if (first == entry)
            continue;
        log_say(log, TRALE_LOG_ERROR, "trale", "%s:%u: [%s] %s: given twice, first in line %u", config->name,
                entry->line, config->sections[entry->section].name, entry->key, first->line);
        result = -EINVAL;
    }
    return result;
}

int config_parse(struct config *config, const char *name, const char *text, size_t length, const struct log *log)
{
    size_t n_entries = 0;
    struct parse parse = {.rest = text, .end = text + length, .config = config};
    config->name = strdup(name);
    int r = config->name != NULL ? config_vet(config, text, length, &n_entries, log) : -ENOMEM;
    if (r == 0) {
        int line = ini_parse_stream(read_line, &parse, take_entry, &parse);
        r = parse.error;
        if (r == 0 && (line != 0 || parse.rest != parse.end || config->n_entries != n_entries)) {
            log_say(log, TRALE_LOG_ERROR, "trale", "%s:%d: the parser found %zu keys where there are %zu", name, line,
                    config->n_entries, n_entries);
            r = -EINVAL;
        }
    }
    if (r == 0)
        r = check_duplicates(config, log);
    if (r < 0)
        config_deinit(config);
    return r;
}
