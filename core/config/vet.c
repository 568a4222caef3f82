/* SPDX-License-Identifier: MIT */
#include "core/config/vet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/utf8.h"

/* inih's buffers: lines of 200 bytes with newline and NUL (INI_MAX_LINE), names of 50 with NUL. */
#define LINE_MAX_BYTES 189
#define NAME_MAX_BYTES 49

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
    log_say(vet->log, TRALE_LOG_ERROR, "trale", "%s:%u: %s", vet->config->name, vet->line, text);
    if (vet->result == 0)
        vet->result = -EINVAL;
}

static bool vet_bytes(struct vet *vet, const char *line, size_t length)
{
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)line[i];
        size_t n = utf8_length((const unsigned char *)line + i, length - i);
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            refuse(vet, "a control character (byte %zu is 0x%02x); allowed are text and tabs", i + 1, c);
            return false;
        }
        if (n == 0) {
            refuse(vet, "byte %zu is 0x%02x, which is not UTF-8", i + 1, c);
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

static size_t blanks(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && (text[n] == ' ' || text[n] == '\t'))
        n++;
    return n;
}

static void vet_section(struct vet *vet, const char *line, size_t length)
{
    vet->in_section = true;
    const char *end = memchr(line, ']', length);
    if (end == NULL) {
        refuse(vet, "%.*s: a section without its ']'", (int)length, line);
        return;
    }
    const char *name = line + 1, *after = end + 1;
    size_t name_length = (size_t)(end - name), rest = length - (size_t)(after - line);
    size_t blank = blanks(after, rest);
    if (blank < rest && after[blank] != ';' && after[blank] != '#')
        refuse(vet, "%.*s: something follows the section's ']'; allowed is a comment", (int)length, line);
    else if (name_length == 0 || name_length > NAME_MAX_BYTES)
        refuse(vet, "[%.*s]: a section's name has 1 to %d bytes", (int)name_length, name, NAME_MAX_BYTES);
    else if (memchr(name, '[', name_length) != NULL || memchr(name, ';', name_length) != NULL)
        refuse(vet, "[%.*s]: a '[' or ';' in a section's name", (int)name_length, name);
    else {
        char copy[NAME_MAX_BYTES + 1];
        memcpy(copy, name, name_length);
        copy[name_length] = '\0';
        const struct config_section *first = config_section(vet->config, copy);
        if (first != NULL)
            refuse(vet, "[%s]: given twice, first in line %u", copy, first->line);
        else if (add_section(vet->config, name, name_length, vet->line) < 0)
            vet->result = -ENOMEM;
    }
}

static void vet_entry(struct vet *vet, const char *line, size_t length)
{
    size_t key = 0;
    while (key < length && line[key] != '=' && line[key] != ':')
        key++;
    bool ends = key < length;
    /* A comment begins at a ';' after a blank, also before the '='. */
    const char *comment = memchr(line, ';', key);
    while (key > 0 && (line[key - 1] == ' ' || line[key - 1] == '\t'))
        key--;
    if (!ends || comment != NULL)
        refuse(vet, "%.*s: neither a section, nor `key = value`, nor a comment", (int)length, line);
    else if (key == 0 || key > NAME_MAX_BYTES)
        refuse(vet, "%.*s: a key has 1 to %d bytes", (int)length, line, NAME_MAX_BYTES);
    else if (!vet->in_section)
        refuse(vet, "%.*s: a key before the first section; [runtime] or [driver:NAME] goes first", (int)key, line);
    vet->n_entries++;
}

static void vet_line(struct vet *vet, const char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length > LINE_MAX_BYTES) {
        refuse(vet, "a line of %zu bytes; at most %d are allowed", length, LINE_MAX_BYTES);
        return;
    }
    if (!vet_bytes(vet, line, length))
        return;
    size_t blank = blanks(line, length);
    if (blank == length || line[blank] == ';' || line[blank] == '#')
        return;
    if (blank > 0)
        refuse(vet, "%.*s: an indented line; every line but a comment starts in the first column",
               (int)(length - blank), line + blank);
    else if (line[0] == '[')
        vet_section(vet, line, length);
    else
        vet_entry(vet, line, length);
}

int config_vet(struct config *config, const char *text, size_t length, size_t *n_entries, const struct log *log)
{
    struct vet vet = {.config = config, .log = log};
    const char *line = text, *end = text + length;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        line += 3; /* a byte order mark, which inih skips as well */
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
