/* SPDX-License-Identifier: MIT */
#include "core/config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/words.h"
#include "core/config/option.h"

#define SECTION_RUNTIME "runtime"
#define SECTION_DRIVER "driver:"

const struct trale_option settings_options[] = {
    [SETTING_DRIVERS] = {.name = "drivers",
                         .type = TRALE_OPTION_TEXT,
                         .default_value = "",
                         .help = "the drivers to load, in order: NAME for each [driver:NAME]"},
    [SETTING_THREADS] = {.name = "threads",
                         .type = TRALE_OPTION_INTEGER,
                         .minimum = 0,
                         .maximum = 2,
                         .default_value = "1",
                         .help = "who polls the tasks: 1 or 2 threads of the runtime's, 0 the caller"},
    [SETTING_INSTANCES] = {.name = "instances",
                           .type = TRALE_OPTION_INTEGER,
                           .minimum = 0,
                           .maximum = 1024,
                           .default_value = "1",
                           .help = "how many runtimes a group has; 0: one for each core"},
    [SETTING_DRIVERS_FOLDER] = {.name = "drivers_folder",
                                .type = TRALE_OPTION_TEXT,
                                .default_value = TRALE_DRIVERS_FOLDER,
                                .help = "where drivers are found whose path is a bare name"},
    [SETTING_POLL_TIMES] = {.name = "poll_times",
                            .type = TRALE_OPTION_BOOLEAN,
                            .default_value = "no",
                            .help = "measure how long tasks are in their polls, at two looks at the clock for each"},
    [SETTING_WATCHDOG] = {.name = "watchdog",
                          .type = TRALE_OPTION_DURATION,
                          .maximum = INT64_C(3600000000000),
                          .default_value = "0",
                          .help = "name the task whose poll takes longer; 0: do not look"},
    [SETTING_FIBER_STACK] = {.name = "fiber_stack",
                             .type = TRALE_OPTION_SIZE,
                             .minimum = INT64_C(32) << 10, /* a batch of datagrams takes 18K */
                             .maximum = INT64_C(1) << 30,
                             .default_value = "64K",
                             .help = "how large the stack of a fiber is"},
    [SETTING_FIBER_STACKS] = {.name = "fiber_stacks",
                              .type = TRALE_OPTION_INTEGER,
                              .minimum = 0,
                              .maximum = 1000000,
                              .default_value = "64",
                              .help = "how many stacks of fibers that have ended are kept for others"},
    [N_SETTINGS] = {.name = NULL},
};

/* The section [driver:NAME], or NULL. */
static const struct config_section *driver_section(const struct config *config, const char *name, size_t length)
{
    for (size_t i = 0; i < config->n_sections; i++) {
        const char *section = config->sections[i].name;
        if (strncmp(section, SECTION_DRIVER, strlen(SECTION_DRIVER)) == 0 &&
            strncmp(section + strlen(SECTION_DRIVER), name, length) == 0 &&
            section[strlen(SECTION_DRIVER) + length] == '\0')
            return &config->sections[i];
    }
    return NULL;
}

static int settings_add_driver(struct settings *settings, const struct config *config, const char *name, size_t length,
                               const struct log *log)
{
    uint32_t line = settings->values[SETTING_DRIVERS].line;
    const struct config_section *section = driver_section(config, name, length);
    if (section == NULL) {
        log_say(log, TRALE_LOG_ERROR, "trale", "%s:%u: [runtime] drivers: %.*s: there is no section [driver:%.*s]",
                config->name, line, (int)length, name, (int)length, name);
        return -EINVAL;
    }
    for (size_t i = 0; i < settings->n_drivers; i++) {
        if (settings->drivers[i] == section) {
            log_say(log, TRALE_LOG_ERROR, "trale", "%s:%u: [runtime] drivers: %.*s stands there twice", config->name,
                    line, (int)length, name);
            return -EINVAL;
        }
    }
    settings->drivers[settings->n_drivers++] = section;
    return 0;
}

static int settings_read_drivers(struct settings *settings, const struct config *config, const struct log *log)
{
    settings->drivers = calloc(config->n_sections + 1, sizeof *settings->drivers);
    if (settings->drivers == NULL)
        return -ENOMEM;
    const char *list = settings->values[SETTING_DRIVERS].text, *name;
    size_t length;
    int result = 0;
    while ((name = words_next(&list, &length)) != NULL) {
        int r = settings_add_driver(settings, config, name, length, log);
        if (r < 0)
            result = r;
    }
    return result;
}

static int settings_check_sections(const struct config *config, const struct log *log)
{
    int result = 0;
    for (size_t i = 0; i < config->n_sections; i++) {
        const struct config_section *section = &config->sections[i];
        if (strcmp(section->name, SECTION_RUNTIME) == 0)
            continue;
        if (strncmp(section->name, SECTION_DRIVER, strlen(SECTION_DRIVER)) == 0 &&
            section->name[strlen(SECTION_DRIVER)] != '\0' && strpbrk(section->name, " \t,") == NULL)
            continue;
        log_say(log, TRALE_LOG_ERROR, "trale", "%s:%u: [%s]: no such section; allowed are [runtime] and [driver:NAME]",
                config->name, section->line, section->name);
        result = -EINVAL;
    }
    return result;
}

static int settings_find_folder(struct settings *settings, const struct config *config, const struct log *log)
{
    const struct trale_value *value = &settings->values[SETTING_DRIVERS_FOLDER];
    const char *environment = secure_getenv("TRALE_DRIVERS");
    settings->drivers_folder = value->text;
    if (environment != NULL && environment[0] != '\0') {
        settings->drivers_folder = environment;
        settings->drivers_folder_origin = "TRALE_DRIVERS";
    }
    if (settings->drivers_folder[0] == '/')
        return 0;
    if (settings->drivers_folder_origin != NULL)
        log_say(log, TRALE_LOG_ERROR, "trale", "$TRALE_DRIVERS = %s: not an absolute path", environment);
    else
        log_say(log, TRALE_LOG_ERROR, "trale", "%s:%u: [runtime] drivers_folder = %s: not an absolute path",
                config->name, value->line, value->text);
    return -EINVAL;
}

int settings_read(struct settings *settings, const struct config *config, const struct log *log)
{
    int result = option_read_section(config, config_section(config, SECTION_RUNTIME), NULL, settings_options,
                                     sizeof settings_options[0], N_SETTINGS, settings->values, log);
    settings->threads = (uint32_t)settings->values[SETTING_THREADS].integer;
    settings->instances = (uint32_t)settings->values[SETTING_INSTANCES].integer;
    if (settings_check_sections(config, log) < 0)
        result = -EINVAL;
    if (settings_find_folder(settings, config, log) < 0)
        result = -EINVAL;
    int r = settings_read_drivers(settings, config, log);
    return r < 0 ? r : result;
}

void settings_deinit(struct settings *settings)
{
    free(settings->drivers);
    *settings = (struct settings){0};
}
