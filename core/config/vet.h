/* SPDX-License-Identifier: MIT */
#ifndef CORE_CONFIG_VET_H
#define CORE_CONFIG_VET_H

#include "core/config/table.h"

/* Looks at every line before the parser does: refuses, each with a message, whatever parsers disagree about, fills
 * config->sections (also those without keys, which the parser does not tell), and counts the keys. config->name is set.
 * 0, -EINVAL, or -ENOMEM. */
int config_vet(struct config *config, const char *text, size_t length, size_t *n_entries, const struct log *log);

#endif
