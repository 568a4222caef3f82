/* SPDX-License-Identifier: MIT
 *
 * inih parses; but what it does with lines that are too long, indented, or broken differs between its releases, and
 * most of it passes in silence: the rest of a long line becomes a line of its own, an indented one continues the value
 * before it, long section names are cut. So every line is vetted first (config_vet.c), and inih sees only text about
 * which there are no two opinions. Then both must have found the same entries. */
#include "core/config.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trale/trale.h>

#include "core/config_vet.h"
#include "core/file.h"

/* --- where it is -------------------------------------------------------------------------------------------------- */

static const char *environment(const char *name)
{
    const char *value = secure_getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* The user's file, allocated, or NULL with *r untouched or -ENOMEM. A relative XDG_CONFIG_HOME is ignored, as the XDG
 * base directory specification has it. */
static char *user_path(int *r)
{
    const char *config_home = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
    char *path = NULL;
    int n = 0;
    if (config_home != NULL && config_home[0] == '/')
        n = asprintf(&path, "%s/trale/trale.ini", config_home);
    else if (home != NULL && home[0] == '/')
        n = asprintf(&path, "%s/.config/trale/trale.ini", home);
    if (n >= 0)
        return path;
    *r = -ENOMEM;
    return NULL;
}

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int config_locate(const char *explicit_path, char **path, enum config_origin *origin)
{
    int r = 0;
    const char *named = explicit_path != NULL ? explicit_path : environment("TRALE_CONFIG");
    enum config_origin found = explicit_path != NULL ? CONFIG_EXPLICIT : CONFIG_ENVIRONMENT;
    char *result = named != NULL ? strdup(named) : user_path(&r);
    if (r < 0 || (named != NULL && result == NULL))
        return -ENOMEM;
    if (named == NULL) {
        found = CONFIG_USER;
        if (result == NULL || !exists(result)) {
            free(result);
            found = CONFIG_SYSTEM;
            result = strdup(TRALE_SYSTEM_CONFIG);
            if (result == NULL)
                return -ENOMEM;
        }
        if (found == CONFIG_SYSTEM && !exists(result)) {
            free(result);
            found = CONFIG_BUILT_IN;
            result = NULL;
        }
    }
    *path = result;
    *origin = found;
    return 0;
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

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

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int read_whole(int fd, char *buf, size_t size, size_t *length)
{
    *length = 0;
    while (*length < size) {
        ssize_t n = read(fd, buf + *length, size - *length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        *length += (size_t)n;
    }
    return 0;
}

int config_read(struct config *config, const char *path, const struct log *log)
{
    char reason[FILE_REASON], *real_path = NULL;
    size_t length = 0;
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    if (text == NULL)
        return -ENOMEM;
    int r, fd = r = file_open_trusted(path, &real_path, reason);
    if (fd < 0) {
        log_say(log, TRALE_LOG_ERROR, "trale", "%s", reason);
        goto out;
    }
    /* One byte more than allowed tells a file that is too large, also one that grows. */
    r = read_whole(fd, text, CONFIG_SIZE_MAX + 1, &length);
    if (r == 0 && length > CONFIG_SIZE_MAX)
        r = -EFBIG;
    if (r < 0)
        log_say(log, TRALE_LOG_ERROR, "trale", "%s: %s; at most %u bytes are allowed", path, strerror(-r),
                CONFIG_SIZE_MAX);
    else
        r = config_parse(config, path, text, length, log);
out:
    if (fd >= 0)
        close(fd);
    free(real_path);
    free(text);
    return r;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < config->n_sections; i++)
        free(config->sections[i].name);
    for (size_t i = 0; i < config->n_entries; i++) {
        free(config->entries[i].key);
        free(config->entries[i].value);
    }
    free(config->sections);
    free(config->entries);
    free(config->name);
    *config = (struct config){0};
}

const struct config_section *config_section(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_sections; i++)
        if (strcmp(config->sections[i].name, name) == 0)
            return &config->sections[i];
    return NULL;
}

const struct config_entry *config_entry(const struct config *config, const char *section, const char *key)
{
    const struct config_section *known = config_section(config, section);
    for (size_t i = 0; known != NULL && i < config->n_entries; i++)
        if (&config->sections[config->entries[i].section] == known && strcmp(config->entries[i].key, key) == 0)
            return &config->entries[i];
    return NULL;
}
