/* SPDX-License-Identifier: MIT
 *
 * trale.ini as a table of text. What the values mean is for option.h and settings.h. */
#ifndef CORE_CONFIG_TABLE_H
#define CORE_CONFIG_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/log.h"

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

void config_deinit(struct config *config);

/* The section of that name, or NULL. */
const struct config_section *config_section(const struct config *config, const char *name);

/* The entry, or NULL. */
const struct config_entry *config_entry(const struct config *config, const char *section, const char *key);

#endif
