/* SPDX-License-Identifier: MIT */
#include "core/config/vet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/printable.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t blanks(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && is_blank(text[n]))
        n++;
    return n;
}

/* The length without the blanks at the end. */
static size_t trimmed(const char *text, size_t length)
{
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    return length;
}

static struct line split_section(const char *text, size_t length)
{
    const char *end = memchr(text, ']', length);
    if (end == NULL)
        return (struct line){.kind = LINE_FLAWED};
    return (struct line){.kind = LINE_SECTION, .name = text + 1, .name_length = (size_t)(end - text) - 1};
}

static struct line split_entry(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && text[at] != '=' && text[at] != ':')
        at++;
    /* A ';' before the '=' begins a comment, or does not, depending on the parser. */
    if (at == length || memchr(text, ';', at) != NULL)
        return (struct line){.kind = LINE_FLAWED};
    size_t begin = at + 1, end = begin;
    while (end < length && !(text[end] == ';' && end > begin && is_blank(text[end - 1])))
        end++;
    begin += blanks(text + begin, end - begin);
    return (struct line){.kind = LINE_ENTRY,
                         .name = text,
                         .name_length = trimmed(text, at),
                         .value = text + begin,
                         .value_length = trimmed(text + begin, end - begin)};
}

struct line line_split(const char *text, size_t length)
{
    if (length > 0 && text[length - 1] == '\r')
        length--;
    size_t blank = blanks(text, length);
    if (blank == length || text[blank] == ';' || text[blank] == '#')
        return (struct line){.kind = LINE_BLANK};
    return text[0] == '[' ? split_section(text, length) : split_entry(text, length);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

struct vet {
    struct config *config;
    const struct log *log;
    uint32_t line;
    bool in_section; /* also in one that was refused */
    size_t n_entries;
    int result;
};

__attribute__((format(printf, 2, 3))) static void refuse(struct vet *vet, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct log_place place = {.file = vet->config->name, .line = vet->line};
    log_say_at(vet->log, TRALE_LOG_ERROR, &place, "%s", text);
    if (vet->result == 0)
        vet->result = -EINVAL;
}

static bool vet_bytes(struct vet *vet, const char *line, size_t length)
{
    for (size_t i = 0; i < length;) {
        const unsigned char *c = (const unsigned char *)line + i;
        size_t n = utf8_length(c, length - i);
        if (n == 0) {
            refuse(vet, "byte %zu is 0x%02x, which is not UTF-8", i + 1, c[0]);
            return false;
        }
        if (utf8_is_control(c, n) && c[0] != '\t') {
            refuse(vet, "a control character (byte %zu is 0x%02x); allowed are text and tabs", i + 1, c[n - 1]);
            return false;
        }
        i += n;
    }
    return true;
}

static int add_section(struct config *config, const char *name, size_t length, uint32_t line)
{
    struct config_section *sections = reallocarray(config->sections, config->n_sections + 1, sizeof *sections);
    if (sections == NULL)
        return -ENOMEM;
    config->sections = sections;
    sections[config->n_sections] = (struct config_section){strndup(name, length), line};
    if (sections[config->n_sections].name == NULL)
        return -ENOMEM;
    config->n_sections++;
    return 0;
}

static void vet_section(struct vet *vet, const struct line *section, const char *line, size_t length)
{
    char part[PRINTABLE_SIZE], copy[VET_NAME_MAX + 1];
    const char *name = section->name, *after = name + section->name_length + 1;
    size_t name_length = section->name_length, rest = length - (size_t)(after - line);
    size_t blank = blanks(after, rest);
    if (blank < rest && after[blank] != ';' && after[blank] != '#') {
        refuse(vet, "%s: text follows the section's ']'; allowed is a comment", printable_part(part, line, length));
    } else if (name_length == 0 || name_length > VET_NAME_MAX) {
        refuse(vet, "[%s]: a section's name has 1 to %d bytes", printable_part(part, name, name_length), VET_NAME_MAX);
    } else if (memchr(name, '[', name_length) != NULL || memchr(name, ';', name_length) != NULL) {
        refuse(vet, "[%s]: a '[' or ';' in a section's name", printable_part(part, name, name_length));
    } else {
        memcpy(copy, name, name_length);
        copy[name_length] = '\0';
        const struct config_section *first = config_section(vet->config, copy);
        if (first != NULL)
            refuse(vet, "[%s]: given twice, first in line %u", copy, first->line);
        else if (add_section(vet->config, name, name_length, vet->line) < 0)
            vet->result = -ENOMEM;
    }
}

static void vet_line(struct vet *vet, const char *text, size_t length)
{
    char part[PRINTABLE_SIZE];
    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (!vet_bytes(vet, text, length))
        return;
    struct line line = line_split(text, length);
    size_t blank = blanks(text, length);
    if (line.kind == LINE_BLANK)
        return;
    bool opens_section = blank == 0 && text[0] == '[';
    vet->in_section |= opens_section;
    vet->n_entries += line.kind == LINE_ENTRY;
    if (blank > 0)
        refuse(vet, "%s: an indented line; every line but a comment starts in the first column",
               printable_part(part, text + blank, length - blank));
    else if (line.kind == LINE_SECTION)
        vet_section(vet, &line, text, length);
    else if (line.kind == LINE_FLAWED && opens_section)
        refuse(vet, "%s: a section without its ']'", printable_part(part, text, length));
    else if (line.kind == LINE_FLAWED)
        refuse(vet, "%s: neither a section, nor `key = value`, nor a comment", printable_part(part, text, length));
    else if (line.name_length == 0 || line.name_length > VET_NAME_MAX)
        refuse(vet, "%s: a key has 1 to %d bytes", printable_part(part, text, length), VET_NAME_MAX);
    else if (!vet->in_section)
        refuse(vet, "%s: a key before the first section; [runtime] or [driver:NAME] goes first",
               printable_part(part, line.name, line.name_length));
}

int config_vet(struct config *config, const char *text, size_t length, size_t *n_entries, const struct log *log)
{
    struct vet vet = {.config = config, .log = log};
    const char *line = text, *end = text + length;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline != NULL ? newline + 1 : end;
        vet.line++;
        vet_line(&vet, line, (size_t)((newline != NULL ? newline : end) - line));
        line = next;
    }
    *n_entries = vet.n_entries;
    return vet.result;
}
