/* SPDX-License-Identifier: MIT
 *
 * A section of trale.ini, read by a schema. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <trale/trale.h>

#include "core/config/option.h"

/* How many letters must be changed, added or left out to make one name of the other, as far as names of up to 63 go. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64];
    size_t length = strlen(b);
    if (length > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t least = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < least)
                least = row[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            row[j] = least;
        }
    }
    return row[length];
}

struct schema {
    const struct config *config;
    const struct config_section *section;
    const char *also;
    const struct trale_option *options;
    size_t option_size, n_options;
    const struct log *log;
};

/* What to say about a key that is not known: the nearest name if one is near, else all of them. */
static void complain_about_key(const struct schema *schema, const struct config_entry *entry)
{
    char names[512] = "";
    const char *nearest = NULL;
    size_t least = 3, used = 0; /* more than two letters off is another word */
    for (size_t i = 0; i < schema->n_options + 1; i++) {
        struct trale_option option = {.name = schema->also};
        if (i > 0)
            option = option_at(schema->options, schema->option_size, i - 1);
        if (option.name == NULL)
            continue;
        int n = snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", option.name);
        used = n > 0 && used + (size_t)n < sizeof names ? used + (size_t)n : used;
        size_t off = distance(entry->key, option.name);
        if (off < least) {
            least = off;
            nearest = option.name;
        }
    }
    const char *words = nearest != NULL ? "did you mean " : names[0] != '\0' ? "allowed are " : "none is allowed";
    log_say(schema->log, TRALE_LOG_ERROR, "trale", "%s:%u: [%s] %s: no such key; %s%s%s", schema->config->name,
            entry->line, schema->section->name, entry->key, words, nearest != NULL ? nearest : names,
            nearest != NULL ? "?" : "");
}

static int check_key(const struct schema *schema, const struct config_entry *entry)
{
    if (schema->also != NULL && strcmp(entry->key, schema->also) == 0)
        return 0;
    for (size_t i = 0; i < schema->n_options; i++)
        if (strcmp(option_at(schema->options, schema->option_size, i).name, entry->key) == 0)
            return 0;
    complain_about_key(schema, entry);
    return -EINVAL;
}

static void complain_about_value(const struct schema *schema, const struct trale_option *option,
                                 const struct trale_value *value, int error)
{
    char allowed[OPTION_TEXT], what[64];
    const char *kind = option_kind(option);
    if (error == -ERANGE)
        snprintf(what, sizeof what, "out of range; allowed: ");
    else if (option->type == TRALE_OPTION_CHOICE)
        snprintf(what, sizeof what, "not one of ");
    else
        snprintf(what, sizeof what, "not %s %s; allowed: ", kind[0] == 'i' ? "an" : "a", kind);
    log_say(schema->log, TRALE_LOG_ERROR, "trale", "%s:%u: [%s] %s = %s: %s%s", schema->config->name, value->line,
            schema->section != NULL ? schema->section->name : "?", option->name, value->text, what,
            option_allowed(option, allowed));
}

static int read_option(const struct schema *schema, const struct trale_option *option, struct trale_value *value)
{
    const struct config_entry *entry = schema->section != NULL
                                           ? config_entry(schema->config, schema->section->name, option->name)
                                           : NULL;
    char allowed[OPTION_TEXT];
    if (entry == NULL && option->default_value == NULL) {
        log_say(schema->log, TRALE_LOG_ERROR, "trale", "%s:%u: [%s] %s: missing, it must be given; allowed: %s",
                schema->config->name, schema->section != NULL ? schema->section->line : 0,
                schema->section != NULL ? schema->section->name : "?", option->name, option_allowed(option, allowed));
        return -EINVAL;
    }
    struct trale_value found = {.text = entry != NULL ? entry->value : option->default_value,
                                .line = entry != NULL ? entry->line : 0};
    int r = option_parse(option, found.text, &found.integer);
    if (r < 0) {
        complain_about_value(schema, option, &found, r);
        return -EINVAL;
    }
    *value = found;
    return 0;
}

int option_read_section(const struct config *config, const struct config_section *section, const char *also,
                        const struct trale_option *options, size_t option_size, size_t n_options,
                        struct trale_value *values, const struct log *log)
{
    const struct schema schema = {config, section, also, options, option_size, n_options, log};
    int result = 0;
    for (size_t i = 0; section != NULL && i < config->n_entries; i++)
        if (&config->sections[config->entries[i].section] == section && check_key(&schema, &config->entries[i]) < 0)
            result = -EINVAL;
    for (size_t i = 0; i < n_options; i++) {
        struct trale_option option = option_at(options, option_size, i);
        if (read_option(&schema, &option, &values[i]) < 0)
            result = -EINVAL;
    }
    return result;
}
