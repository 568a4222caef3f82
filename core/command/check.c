/* SPDX-License-Identifier: MIT
 *
 * `trale check`: what a runtime would find, without starting one. */
#include <stdio.h>
#include <string.h>

#include "core/command/examine.h"
#include "core/config/option.h"

/* Where a value comes from: "line 12", or "default". */
static const char *source_of(uint32_t line, char buf[32])
{
    if (line == 0)
        return "default";
    snprintf(buf, 32, "line %u", line);
    return buf;
}

static void list_runtime(const struct examination *examination, struct table *table)
{
    const struct settings *settings = &examination->settings;
    char source[32], environment[64];
    for (size_t i = 0; i < N_SETTINGS && settings->values[i].text != NULL; i++) {
        const char *text = settings->values[i].text, *from = source_of(settings->values[i].line, source);
        if (i == SETTING_DRIVERS_FOLDER && settings->drivers_folder_origin != NULL) {
            snprintf(environment, sizeof environment, "$%s", settings->drivers_folder_origin);
            text = settings->drivers_folder;
            from = environment;
        }
        table_add(table, "[runtime]", settings_options[i].name, text, from);
    }
}

static void list_driver(const struct examination *examination, const struct driver *driver, struct table *table)
{
    char section[64], source[32];
    snprintf(section, sizeof section, "[%s]", driver->section->name);
    const struct config_entry *path = config_entry(&examination->config, driver->section->name, "path");
    if (path != NULL)
        table_add(table, section, "path", path->value, source_of(path->line, source));
    for (size_t i = 0; i < driver->settings.n_values; i++) {
        struct trale_option option = option_at(driver->description.options, driver->description.option_size, i);
        table_add(table, section, option.name, driver->values[i].text, source_of(driver->values[i].line, source));
    }
}

/* Sections that no driver in the list uses are not read: lists them, since that may be a mistake. */
static void list_unused(const struct examination *examination, struct table *table)
{
    const struct settings *settings = &examination->settings;
    for (size_t i = 0; i < examination->config.n_sections; i++) {
        const struct config_section *section = &examination->config.sections[i];
        bool used = strchr(section->name, ':') == NULL;
        for (size_t j = 0; j < settings->n_drivers; j++)
            used |= settings->drivers[j] == section;
        char name[64], source[32];
        snprintf(name, sizeof name, "[%s]", section->name);
        if (!used)
            table_add(table, name, "", "(not in drivers: not loaded)", source_of(section->line, source));
    }
}

int command_check(const struct command_options *options)
{
    struct examination examination;
    struct table settings = {.title = "settings", .columns = {"section", "key", "value", "from"}};
    struct table drivers = {.title = "drivers", .columns = {"driver", "state", "file", "what"}};
    examination_begin(&examination, options->config_path);
    list_runtime(&examination, &settings);
    for (size_t i = 0; examination.drivers != NULL && i < examination.settings.n_drivers; i++) {
        const struct driver *driver = &examination.drivers[i];
        const char *name = strchr(examination.settings.drivers[i]->name, ':') + 1;
        if (driver->state == DRIVER_CLOSED) {
            table_add(&drivers, name, "does not load", "", "");
            continue;
        }
        char what[256];
        snprintf(what, sizeof what, "%s %s, ABI %u, offers %s", driver->description.name, driver->description.version,
                 driver->description.abi, driver->description.interfaces);
        table_add(&drivers, name, "loads", driver->path, what);
        list_driver(&examination, driver, &settings);
    }
    list_unused(&examination, &settings);
    if (!options->json) {
        printf("configuration: %s (%s)\n\n", examination.path != NULL ? examination.path : "(built-in)",
               examination.origin);
    }
    struct table *tables[] = {&settings, &drivers};
    int status = examination_print(&examination, tables, 2, options->json);
    if (!options->json)
        fprintf(status == 0 ? stdout : stderr, status == 0 ? "\nall is well\n" : "%zu error%s\n", examination.n_errors,
                examination.n_errors == 1 ? "" : "s");
    table_deinit(&settings);
    table_deinit(&drivers);
    examination_end(&examination);
    return status;
}
