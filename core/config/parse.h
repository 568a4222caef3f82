/* SPDX-License-Identifier: MIT
 *
 * The text of trale.ini into the table. */
#ifndef CORE_CONFIG_PARSE_H
#define CORE_CONFIG_PARSE_H

#include "core/config/table.h"

/* Parses a text of `length` bytes into a zeroed *config; `name` is what messages call it. Each error is a message with
 * name and line, what was found and what is allowed; all of them are found, not only the first. On failure *config
 * stays zeroed. 0, -EINVAL, -ENOMEM. */
int config_parse(struct config *config, const char *name, const char *text, size_t length, const struct log *log);

#endif
