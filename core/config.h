/* SPDX-License-Identifier: MIT
 *
 * trale.ini as a table of text: found, read, vetted, parsed. What the values mean is for others. */
#ifndef TRALE_CORE_CONFIG_H
#define TRALE_CORE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "core/log.h"

struct config_section {
    char *name; /* "runtime", "driver:NAME" */
    uint32_t line;
};
struct config_entry {
    size_t section; /* its index in config.sections */
    char *key;
    char *value; /* without the blanks around it and a trailing comment */
    uint32_t line;
};

/* A configuration that has parsed as a whole. Zeroed, it is empty. */
struct config {
    char *name; /* the file, as messages call it */
    struct config_section *sections;
    size_t n_sections;
    struct config_entry *entries;
    size_t n_entries;
};

/* Where a configuration comes from. */
enum config_origin {
    CONFIG_EXPLICIT,    /* the caller named the file */
    CONFIG_ENVIRONMENT, /* $TRALE_CONFIG */
    CONFIG_USER,        /* $XDG_CONFIG_HOME/trale/trale.ini or $HOME/.config/trale/trale.ini */
    CONFIG_SYSTEM,      /* TRALE_SYSTEM_CONFIG, a path fixed when trale was built */
    CONFIG_BUILT_IN,    /* no file: TRALE_BUILT_IN_CONFIG, the text of the shipped trale.ini */
};

/* Says which file is to be read: *path is allocated, or NULL for CONFIG_BUILT_IN. A user's or system's file that does
 * not exist is passed over; any other trouble with it is found when it is read. 0 or -ENOMEM. */
int config_locate(const char *explicit_path, char **path, enum config_origin *origin);

/* Reads and parses a file into a zeroed *config. Each thing wrong is an error message with file and line, what was
 * found and what is allowed; all of them are found, not only the first. On failure *config stays zeroed.
 * 0, -ENOENT, -EACCES and what else open(2) has, -EPERM (others may write it: file_trust), -EFBIG (over
 * CONFIG_SIZE_MAX), -EISDIR, -EINVAL (not a regular file, or what it says), -ENOMEM. */
#define CONFIG_SIZE_MAX (64u * 1024u)
int config_read(struct config *config, const char *path, const struct log *log);

/* The same for a text of `length` bytes; `name` is what messages call it. */
int config_parse(struct config *config, const char *name, const char *text, size_t length, const struct log *log);

void config_deinit(struct config *config);

/* The section of that name, or NULL. */
const struct config_section *config_section(const struct config *config, const char *name);

/* The entry, or NULL. */
const struct config_entry *config_entry(const struct config *config, const char *section, const char *key);

#endif
