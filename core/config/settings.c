/* SPDX-License-Identifier: MIT */
#include "core/config/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/printable.h"
#include "core/base/words.h"
#include "core/config/advice.h"

#define SECTION_RUNTIME "runtime"
#define SECTION_DRIVER "driver:"
#define SECTION_END "end"

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
                         .help = "which threads poll tasks and wait: 1 or 2 of the runtime, or 0: the caller's"},
    [SETTING_INSTANCES] = {.name = "instances",
                           .type = TRALE_OPTION_INTEGER,
                           .minimum = 0,
                           .maximum = 1024,
                           .default_value = "1",
                           .help = "how many runtimes a group has; 0: one for each core"},
    [SETTING_DRIVERS_FOLDER] = {.name = "drivers_folder",
                                .type = TRALE_OPTION_TEXT,
                                .default_value = TRALE_DRIVERS_FOLDER,
                                .help = "the folder of the drivers whose path is a bare file name"},
    [SETTING_POLL_TIMES] = {.name = "poll_times",
                            .type = TRALE_OPTION_BOOLEAN,
                            .default_value = "no",
                            .help = "measure how long each poll takes; reads the clock twice for each"},
    [SETTING_WATCHDOG] = {.name = "watchdog",
                          .type = TRALE_OPTION_DURATION,
                          .maximum = INT64_C(3600000000000),
                          .default_value = "0",
                          .help = "a message names the task whose poll takes longer; 0: no watchdog"},
    [SETTING_CHECKS] = {.name = "checks",
                        .type = TRALE_OPTION_BOOLEAN,
                        .default_value = "no",
                        .help = "messages name what programs and drivers do wrong; for writing them, slow"},
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
                              .help = "how many stacks of ended fibers are kept for later ones"},
    [SETTING_SHUFFLE] = {.name = "shuffle",
                         .type = TRALE_OPTION_INTEGER,
                         .minimum = 0,
                         .maximum = INT64_MAX,
                         .default_value = "0",
                         .help = "a seed that picks among runnable tasks; 0: the first that became so"},
    [N_SETTINGS] = {.name = NULL},
};

static const char *name_behind(const char *prefix, const struct config_section *section)
{
    bool is_one = strncmp(section->name, prefix, strlen(prefix)) == 0;
    return is_one ? section->name + strlen(prefix) : NULL;
}

static const char *driver_name(const struct config_section *section)
{
    return name_behind(SECTION_DRIVER, section);
}

const char *settings_application(const struct config_section *section)
{
    return name_behind(SETTINGS_APPLICATION, section);
}

bool settings_is_name(const char *name)
{
    return name[0] != '\0' && strpbrk(name, " \t,[];") == NULL;
}

/* --- drivers ------------------------------------------------------------------------------------------------------ */

/* The section [driver:NAME], or NULL; then *nearest is the driver whose name is nearest, or NULL. */
static const struct config_section *find_driver(const struct config *config, const char *name, const char **nearest)
{
    size_t least = ADVICE_DISTANCE + 1;
    *nearest = NULL;
    for (size_t i = 0; i < config->n_sections; i++) {
        const char *other = driver_name(&config->sections[i]);
        if (other == NULL)
            continue;
        size_t off = advice_distance(name, other);
        if (strcmp(other, name) == 0)
            return &config->sections[i];
        if (off < least) {
            least = off;
            *nearest = other;
        }
    }
    return NULL;
}

static int add_driver(struct settings *settings, const struct config *config, const char *name,
                      const struct log_place *place, const struct log *log)
{
    const char *nearest;
    const struct config_section *section = find_driver(config, name, &nearest);
    if (section == NULL) {
        log_say_at(log, TRALE_LOG_ERROR, place, "%s: there is no section [driver:%s]%s%s%s", name, name,
                   nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "?" : "");
        return -EINVAL;
    }
    for (size_t i = 0; i < settings->n_drivers; i++) {
        if (settings->drivers[i] == section) {
            log_say_at(log, TRALE_LOG_ERROR, place, "%s: named twice", name);
            return -EINVAL;
        }
    }
    settings->drivers[settings->n_drivers++] = section;
    return 0;
}

static int read_drivers(struct settings *settings, const struct config *config, const struct log *log)
{
    const struct trale_value *value = &settings->values[SETTING_DRIVERS];
    const struct log_place place = {config->name, value->line, SECTION_RUNTIME, settings_options[SETTING_DRIVERS].name,
                                    NULL};
    settings->drivers = calloc(config->n_sections + 1, sizeof *settings->drivers);
    if (settings->drivers == NULL)
        return -ENOMEM;
    const char *list = value->text, *word;
    size_t length;
    int result = 0;
    while ((word = words_next(&list, &length)) != NULL) {
        char name[PRINTABLE_SIZE]; /* longer than the name of any section */
        if (add_driver(settings, config, printable_part(name, word, length), &place, log) < 0)
            result = -EINVAL;
    }
    return result;
}

/* A configuration without the key may be one that is just being written, or one that a typo made. */
static void warn_of_no_drivers(const struct config *config, const struct log *log)
{
    const struct config_section *runtime = config_section(config, SECTION_RUNTIME);
    const struct log_place place = {config->name, runtime != NULL ? runtime->line : 0, SECTION_RUNTIME,
                                    settings_options[SETTING_DRIVERS].name, NULL};
    log_say_at(log, TRALE_LOG_WARNING, &place,
               "missing, so no driver is loaded; `drivers = NAME, ...` loads a [driver:NAME] each, `drivers =` loads "
               "none");
}

/* --- sections ----------------------------------------------------------------------------------------------------- */

/* The name that the section probably should have, or NULL: [timer] is "driver:timer" if `drivers` names a timer, and
 * [drivers.timer] is in any case. */
static const char *nearest_section(const char *name, const char *drivers, char buf[PRINTABLE_SIZE])
{
    if (advice_distance(name, SECTION_RUNTIME) <= ADVICE_DISTANCE)
        return SECTION_RUNTIME;
    if (advice_distance(name, SECTION_END) <= 1)
        return SECTION_END;
    if (words_find(drivers, name, strlen(name)) != NULL) {
        snprintf(buf, PRINTABLE_SIZE, SECTION_DRIVER "%s", name);
        return buf;
    }
    char word[PRINTABLE_SIZE];
    size_t length = strcspn(name, ":./ \t");
    printable_part(word, name, length);
    const char *rest = name + length + strspn(name + length, ":./ \t");
    bool is_driver = advice_distance(word, "driver") <= ADVICE_DISTANCE;
    if (!settings_is_name(rest) || (!is_driver && advice_distance(word, "application") > ADVICE_DISTANCE))
        return NULL;
    snprintf(buf, PRINTABLE_SIZE, "%s%s", is_driver ? SECTION_DRIVER : SETTINGS_APPLICATION, rest);
    return buf;
}

static bool has_entries(const struct config *config, size_t section)
{
    for (size_t i = 0; i < config->n_entries; i++)
        if (config->entries[i].section == section)
            return true;
    return false;
}

static int check_section(const struct config *config, size_t i, const char *drivers, const struct log *log)
{
    const char *name = config->sections[i].name, *owner = driver_name(&config->sections[i]);
    const struct log_place place = {.file = config->name, .line = config->sections[i].line, .section = name};
    if (owner == NULL)
        owner = settings_application(&config->sections[i]);
    if (strcmp(name, SECTION_RUNTIME) == 0 || (owner != NULL && settings_is_name(owner)))
        return 0;
    if (strcmp(name, SECTION_END) == 0) {
        if (i + 1 == config->n_sections && !has_entries(config, i))
            return 0;
        log_say_at(log, TRALE_LOG_ERROR, &place, "text follows; allowed are blank lines and comments");
        return -EINVAL;
    }
    char buf[PRINTABLE_SIZE];
    const char *nearest = nearest_section(name, drivers, buf);
    if (nearest != NULL)
        log_say_at(log, TRALE_LOG_ERROR, &place, "no such section; did you mean [%s]?", nearest);
    else
        log_say_at(log, TRALE_LOG_ERROR, &place,
                   "no such section; allowed are [runtime], [driver:NAME], [application:NAME] and [end]");
    return -EINVAL;
}

int settings_check_end(const struct config *config, const struct log *log)
{
    if (config->n_sections > 0 && strcmp(config->sections[config->n_sections - 1].name, SECTION_END) == 0)
        return 0;
    log_say_at(log, TRALE_LOG_ERROR, &(struct log_place){.file = config->name},
               "it does not end with the line [end], so it is cut off or still being written; this program reads "
               "only complete files");
    return -EINVAL;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int find_folder(struct settings *settings, const struct config *config, const struct log *log)
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
        log_say_at(log, TRALE_LOG_ERROR,
                   &(struct log_place){config->name, value->line, SECTION_RUNTIME,
                                       settings_options[SETTING_DRIVERS_FOLDER].name, value->text},
                   "not an absolute path");
    return -EINVAL;
}

int settings_read(struct settings *settings, const struct config *config, const struct log *log)
{
    int result = option_read_section(config, config_section(config, SECTION_RUNTIME), NULL, settings_options,
                                     N_SETTINGS, settings->values, log);
    settings->threads = (uint32_t)settings->values[SETTING_THREADS].integer;
    settings->instances = (uint32_t)settings->values[SETTING_INSTANCES].integer;
    for (size_t i = 0; i < config->n_sections; i++)
        if (check_section(config, i, settings->values[SETTING_DRIVERS].text, log) < 0)
            result = -EINVAL;
    if (find_folder(settings, config, log) < 0)
        result = -EINVAL;
    int r = read_drivers(settings, config, log);
    if (r == 0 && result == 0 && settings->values[SETTING_DRIVERS].line == 0)
        warn_of_no_drivers(config, log);
    return r < 0 ? r : result;
}

void settings_deinit(struct settings *settings)
{
    free(settings->drivers);
    *settings = (struct settings){0};
}
