/* SPDX-License-Identifier: MIT
 *
 * Lines of trale.ini: what each is, and which are refused because parsers disagree about them. */
#ifndef CORE_CONFIG_VET_H
#define CORE_CONFIG_VET_H

#include "core/config/table.h"

/* How long the names of sections and keys may be: inih's buffers for them have 50 bytes with NUL. */
#define VET_NAME_MAX 49

enum line_kind {
    LINE_BLANK,   /* Nothing but blanks and a comment. */
    LINE_SECTION, /* [name] */
    LINE_ENTRY,   /* name = value, or name: value */
    LINE_FLAWED,  /* None of these: it begins with '[' or has no '='. */
};

/* A line taken apart. The texts are lent by the line, and without the blanks around them. */
struct line {
    enum line_kind kind;
    const char *name, *value;
    size_t name_length, value_length;
};

/* Takes a line without its newline apart. */
struct line line_split(const char *text, size_t length);

/* Checks every line before the parser reads it: refuses, each with a message, the lines about which parsers disagree,
 * fills config->sections (also those without keys, which the parser does not report), and counts the keys. config->name
 * is set before. 0, -EINVAL, or -ENOMEM. */
int config_vet(struct config *config, const char *text, size_t length, size_t *n_entries, const struct log *log);

#endif
