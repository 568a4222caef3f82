/* SPDX-License-Identifier: MIT
 *
 * trale.ini from where it is to the table. */
#ifndef CORE_CONFIG_READ_H
#define CORE_CONFIG_READ_H

#include <trale/trale.h>

#include "core/config/locate.h"
#include "core/config/table.h"
#include "core/config/trusted_file.h"

/* Reads and parses a file into a zeroed *config. Each mistake is an error message with file and line, what was found
 * and what is allowed; all of them are found, not only the first. On failure *config stays zeroed.
 * 0, -ENOENT, -EACCES and the other errors of open(2), -EPERM (not trusted: trusted_file.h), -EFBIG (more
 * than CONFIG_SIZE_MAX bytes), -EISDIR, -EINVAL (not a regular file, or a mistake in it), -ENOMEM. */
#define CONFIG_SIZE_MAX (64u * 1024u)
int config_read(struct config *config, const char *path, const struct file_trust *trust, const struct log *log);

/* The name, in messages, of the built-in text. */
#define CONFIG_BUILT_IN_NAME "(built-in)"

/* Finds the configuration (config_locate) and reads it, from its file or from the built-in text. *path, which the
 * caller frees in any case, and *origin say which it was; *path is NULL for the built-in text, or when memory is out.
 * Errors as above. */
int config_load(struct config *config, const char *explicit_path, const struct file_trust *trust, char **path,
                enum config_origin *origin, const struct log *log);

/* The configuration that these options of trale_open mean: a simulation's in place of any other, or their text, or that
 * of config_load. Errors as above. */
int config_load_for(struct config *config, const struct trale_options *options, enum config_origin *origin,
                    const struct log *log);

#endif
