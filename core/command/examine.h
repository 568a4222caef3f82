/* SPDX-License-Identifier: MIT
 *
 * What the subcommands of `trale` share: the configuration that is found, and the messages about it. */
#ifndef CORE_COMMAND_EXAMINE_H
#define CORE_COMMAND_EXAMINE_H

#include <stdbool.h>

#include "core/driver/driver.h"
#include "core/config/settings.h"
#include "core/command/table.h"

/* The options of the command line. */
struct command_options {
    const char *config_path; /* -c FILE */
    bool json;
    bool options;
};

/* A configuration under examination. What could not be read is empty, and `messages` say why. */
struct examination {
    char *path; /* NULL: built in */
    const char *origin;
    struct config config;
    struct settings settings;
    struct driver *drivers; /* settings.n_drivers of them; those that do not load are CLOSED */
    struct table messages;
    size_t n_errors;
    struct log log; /* into messages */
};

/* Finds and reads the configuration, and loads, without starting, the drivers that it names. A driver is loaded in a
 * child process first, so that one which crashes, ends or hangs there is a message and not the end. */
void examination_begin(struct examination *examination, const char *config_path);

/* Prints the tables, and the messages: to stderr, or all as one JSON object. Returns the exit status. */
int examination_print(struct examination *examination, struct table *tables[], size_t n_tables, bool json);

void examination_end(struct examination *examination);

/* The subcommands: exit statuses. */
int command_check(const struct command_options *options);
int command_drivers(const struct command_options *options);

#endif
