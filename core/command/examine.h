/* SPDX-License-Identifier: MIT
 *
 * What the subcommands of `trale` share: the configuration that is found, and the messages about it. */
#ifndef CORE_COMMAND_EXAMINE_H
#define CORE_COMMAND_EXAMINE_H

#include <stdbool.h>

#include "core/command/messages.h"
#include "core/command/table.h"
#include "core/config/locate.h"
#include "core/config/settings.h"
#include "core/driver/driver.h"

/* The options of the command line. */
struct command_options {
    const char *config_path; /* FILE, -c FILE; NULL: none was named */
    bool json;
    bool options;
    bool all;
    bool start;
};

/* A configuration under examination. What could not be read is empty, and `messages` say why. */
struct examination {
    char *path; /* NULL: built in */
    enum config_origin origin;
    bool is_found; /* path and origin are set */
    struct config config;
    struct config installed; /* a section for each driver of the folder, with `path` alone */
    struct settings settings;
    struct driver *drivers; /* settings.n_drivers of them; those that are refused are CLOSED */
    struct messages messages;
};

/* Finds and reads the configuration, and the files of the drivers that it names: no driver is loaded, and no code of it
 * runs. */
void examination_begin(struct examination *examination, const char *config_path);

/* The same with all drivers in the folder of drivers, in place of those that the configuration names; their options are
 * not read, and they need not fit together. */
void examination_begin_all(struct examination *examination, const char *config_path);

/* Opens a runtime with this configuration in a child process, which starts all drivers, and closes it. Every error is
 * a message. Returns whether there was none. */
bool examination_start(struct examination *examination);

/* Notes whether a program with more rights than its user would read another file, or load from another folder. */
void examination_note_environment(struct examination *examination);

/* How people call the configuration, and where it comes from: "/etc/trale.ini", "the system's". */
const char *examination_file(const struct examination *examination);
const char *examination_origin(const struct examination *examination);

/* Prints the tables, and the messages: to stderr, or all as one JSON object. Returns the exit status. */
int examination_print(struct examination *examination, struct table *tables[], size_t n_tables, bool json);

void examination_end(struct examination *examination);

/* The name of the i-th driver in the configuration. */
const char *examination_driver(const struct examination *examination, size_t i);

/* What a driver demands of [runtime], as words: "threads=0 instances=1"; "": nothing. */
const char *examination_demands(const struct driver *driver);

/* The subcommands: exit statuses. */
int command_check(const struct command_options *options);
int command_drivers(const struct command_options *options);

#endif
