/* SPDX-License-Identifier: MIT
 *
 * trale.ini from where it is to the table. */
#ifndef CORE_CONFIG_READ_H
#define CORE_CONFIG_READ_H

#include "core/config/locate.h"
#include "core/config/table.h"

/* Reads and parses a file into a zeroed *config. Each thing wrong is an error message with file and line, what was
 * found and what is allowed; all of them are found, not only the first. On failure *config stays zeroed.
 * 0, -ENOENT, -EACCES and what else open(2) has, -EPERM (others may write it: file_trust), -EFBIG (over
 * CONFIG_SIZE_MAX), -EISDIR, -EINVAL (not a regular file, or what it says), -ENOMEM. */
#define CONFIG_SIZE_MAX (64u * 1024u)
int config_read(struct config *config, const char *path, const struct log *log);

/* Finds the configuration (config_locate) and reads it, from its file or from the built-in text. *path, which the
 * caller frees in any case, and *origin say which it was; *path is NULL for the built-in text, or when memory is out.
 * Errors as above. */
int config_load(struct config *config, const char *explicit_path, char **path, enum config_origin *origin,
                const struct log *log);

#endif
