/* SPDX-License-Identifier: MIT
 *
 * What the [runtime] section says, and which drivers are wanted. */
#ifndef CORE_CONFIG_SETTINGS_H
#define CORE_CONFIG_SETTINGS_H

#include <stdbool.h>

#include <trale/driver.h>

#include "core/config/table.h"

/* How the name of a section begins that a program reads (settings.h of include/trale). */
#define SETTINGS_APPLICATION "application:"

/* The keys of [runtime], as options (an array that ends with a NULL name), and their places in settings.values. */
enum {
    SETTING_DRIVERS,
    SETTING_THREADS,
    SETTING_INSTANCES,
    SETTING_DRIVERS_FOLDER,
    SETTING_POLL_TIMES,
    SETTING_WATCHDOG,
    SETTING_CHECKS,
    SETTING_FIBER_STACK,
    SETTING_FIBER_STACKS,
    SETTING_SHUFFLE,
    N_SETTINGS
};
extern const struct trale_option settings_options[];

struct settings {
    struct trale_value values[N_SETTINGS];
    uint32_t threads;
    uint32_t instances;                    /* 0: one for each core */
    const char *drivers_folder;            /* lent by the environment or the config */
    const char *drivers_folder_origin;     /* NULL: trale.ini or the default; else the environment variable's name */
    const struct config_section **drivers; /* in the order of loading; the array is allocated, its elements are lent */
    size_t n_drivers;
};

/* Reads them into a zeroed *settings. Each mistake is a message; settings without a mistake are read in any case, and
 * settings_deinit is called in any case. A configuration without `drivers` is a warning. 0, -EINVAL, -ENOMEM. */
int settings_read(struct settings *settings, const struct config *config, const struct log *log);

/* Whether the configuration is complete: its last section is [end]. 0, or -EINVAL and a message. */
int settings_check_end(const struct config *config, const struct log *log);

/* The name of the program that reads the section; NULL: it is no application's. */
const char *settings_application(const struct config_section *section);

/* Whether it may be the name behind "driver:" or "application:". */
bool settings_is_name(const char *name);

void settings_deinit(struct settings *settings);

#endif
