/* SPDX-License-Identifier: MIT
 *
 * A section of trale.ini, read by a schema. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <trale/trale.h>

#include "core/config/advice.h"

struct schema {
    const struct config *config;
    const struct config_section *section;
    const char *const *also;
    const struct trale_option *options;
    size_t n_options;
    const struct log *log;
};

static struct log_place place_of(const struct schema *schema, uint32_t line, const char *key, const char *value)
{
    return (struct log_place){schema->config->name, line, schema->section != NULL ? schema->section->name : NULL, key,
                              value};
}

static size_t count_also(const struct schema *schema)
{
    size_t n = 0;
    while (schema->also != NULL && schema->also[n] != NULL)
        n++;
    return n;
}

/* An unknown key: names the nearest key if one is near, else all of them. */
static void complain_about_key(const struct schema *schema, const struct config_entry *entry)
{
    char names[512] = "";
    const char *nearest = NULL;
    size_t least = ADVICE_DISTANCE + 1, used = 0, n_also = count_also(schema);
    for (size_t i = 0; i < n_also + schema->n_options; i++) {
        struct trale_option option = {0};
        if (i < n_also)
            option.name = schema->also[i];
        else
            option = schema->options[i - n_also];
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", option.name);
        size_t off = advice_distance(entry->key, option.name);
        if (off < least) {
            least = off;
            nearest = option.name;
        }
    }
    if (used >= sizeof names)
        memcpy(names + sizeof names - 4, "...", 4);
    const struct log_place place = place_of(schema, entry->line, entry->key, NULL);
    const char *words = nearest != NULL ? "did you mean " : names[0] != '\0' ? "allowed are " : "none is allowed";
    log_say_at(schema->log, TRALE_LOG_ERROR, &place, "no such key; %s%s%s", words, nearest != NULL ? nearest : names,
               nearest != NULL ? "?" : "");
}

static void complain_about_value(const struct schema *schema, const struct trale_option *option, const char *text,
                                 uint32_t line, int error)
{
    char allowed[OPTION_TEXT], advice[OPTION_TEXT];
    const char *kind = option_kind(option);
    const char *exactly = error == -ERANGE ? NULL : advice_value(option, text, advice);
    const struct log_place place = place_of(schema, line, option->name, text[0] != '\0' ? text : NULL);
    option_allowed(option, allowed);
    if (text[0] == '\0')
        log_say_at(schema->log, TRALE_LOG_ERROR, &place, "no value is given; allowed: %s", allowed);
    else if (error == -ERANGE)
        log_say_at(schema->log, TRALE_LOG_ERROR, &place, "out of range; allowed: %s", allowed);
    else if (option->type == TRALE_OPTION_CHOICE)
        log_say_at(schema->log, TRALE_LOG_ERROR, &place, "not one of %s%s%s", allowed, exactly != NULL ? "; " : "",
                   exactly != NULL ? exactly : "");
    else
        log_say_at(schema->log, TRALE_LOG_ERROR, &place, "not %s %s%s%s; allowed: %s", kind[0] == 'i' ? "an" : "a",
                   kind, exactly != NULL ? ": " : "", exactly != NULL ? exactly : "", allowed);
}

static int read_entry(const struct schema *schema, const struct config_entry *entry, struct trale_value *values)
{
    for (size_t i = 0; i < count_also(schema); i++)
        if (strcmp(entry->key, schema->also[i]) == 0)
            return 0;
    for (size_t i = 0; i < schema->n_options; i++) {
        const struct trale_option *option = &schema->options[i];
        if (strcmp(option->name, entry->key) != 0)
            continue;
        struct trale_value found = {.text = entry->value, .line = entry->line};
        int r = option_parse(option, found.text, &found.integer);
        if (r == 0)
            values[i] = found;
        else
            complain_about_value(schema, option, found.text, found.line, r);
        return r;
    }
    complain_about_key(schema, entry);
    return -EINVAL;
}

static int read_default(const struct schema *schema, const struct trale_option *option, struct trale_value *value)
{
    char allowed[OPTION_TEXT];
    struct trale_value found = {.text = option->default_value};
    uint32_t line = schema->section != NULL ? schema->section->line : 0;
    const struct log_place place = place_of(schema, line, option->name, NULL);
    if (option->default_value == NULL) {
        log_say_at(schema->log, TRALE_LOG_ERROR, &place, "missing, it must be given; allowed: %s",
                   option_allowed(option, allowed));
        return -EINVAL;
    }
    int r = option_parse(option, found.text, &found.integer);
    if (r == 0)
        *value = found;
    else
        complain_about_value(schema, option, found.text, 0, r);
    return r;
}

int option_read_section(const struct config *config, const struct config_section *section, const char *const *also,
                        const struct trale_option *options, size_t n_options, struct trale_value *values,
                        const struct log *log)
{
    const struct schema schema = {config, section, also, options, n_options, log};
    int result = 0;
    for (size_t i = 0; section != NULL && i < config->n_entries; i++)
        if (&config->sections[config->entries[i].section] == section &&
            read_entry(&schema, &config->entries[i], values) < 0)
            result = -EINVAL;
    for (size_t i = 0; i < n_options; i++) {
        if (section != NULL && config_entry(config, section->name, options[i].name) != NULL)
            continue;
        if (read_default(&schema, &options[i], &values[i]) < 0)
            result = -EINVAL;
    }
    return result;
}
