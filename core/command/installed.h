/* SPDX-License-Identifier: MIT
 *
 * The drivers that are in a folder. */
#ifndef CORE_COMMAND_INSTALLED_H
#define CORE_COMMAND_INSTALLED_H

#include "core/config/table.h"

/* What `trale simulate` puts in front of libc: it is beside the drivers, and is none. */
#define INSTALLED_GUARD "trale-guard.so"

/* Fills a zeroed *config, which has the folder's name, with a section [driver:NAME] for each file NAME.so, in the order
 * of their names; the only key is `path`. config_deinit is called in any case. 0, -ENOMEM, or an error of
 * scandir(3). */
int installed_find(struct config *config, const char *folder);

#endif
