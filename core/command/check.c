/* SPDX-License-Identifier: MIT
 *
 * `trale check`: what a runtime would find; with --start, also whether it starts. */
#include <stdio.h>
#include <string.h>

#include <trale/trale.h>

#include "core/command/examine.h"
#include "core/config/option.h"

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* The value as JSON has it: sizes in bytes, durations in nanoseconds. */
static void add_value(struct table *table, const struct trale_option *option, const struct trale_value *value)
{
    if (option->type == TRALE_OPTION_BOOLEAN)
        table_add_truth(table, value->integer != 0);
    else if (option->type <= TRALE_OPTION_DURATION)
        table_add_number(table, value->integer);
    else
        table_add_text(table, value->text);
}

static void add_line(struct table *table, uint32_t line)
{
    if (line > 0)
        table_add_number(table, line);
    else
        table_add_text(table, NULL);
}

/* Where it comes from: `environment` is a variable's name, or NULL; line 0 is the default. */
static void add_source(const struct examination *examination, struct table *table, uint32_t line,
                       const char *environment)
{
    char from[64] = "default";
    if (environment != NULL)
        snprintf(from, sizeof from, "$%s", environment);
    else if (line > 0)
        snprintf(from, sizeof from, "line %u", line);
    bool is_in_file = environment == NULL && line > 0;
    table_add_text(table, from);
    table_add_text(table, environment != NULL ? "environment" : is_in_file ? "file" : "default");
    table_add_text(table, is_in_file ? examination->path : NULL);
    add_line(table, is_in_file ? line : 0);
}

static void add_section(struct table *table, const char *section)
{
    char brackets[64];
    snprintf(brackets, sizeof brackets, "[%s]", section);
    table_add_text(table, brackets);
    table_add_text(table, section);
}

static void add_setting(const struct examination *examination, struct table *table, const char *section,
                        const struct trale_option *option, const struct trale_value *value, const char *environment)
{
    add_section(table, section);
    table_add_text(table, option->name);
    table_add_text(table, value->text);
    add_value(table, option, value);
    table_add_text(table, value->text);
    add_source(examination, table, value->line, environment);
}

static void list_runtime(const struct examination *examination, struct table *table)
{
    const struct settings *settings = &examination->settings;
    for (size_t i = 0; i < N_SETTINGS; i++) {
        struct trale_value value = settings->values[i];
        const char *environment = i == SETTING_DRIVERS_FOLDER ? settings->drivers_folder_origin : NULL;
        if (environment != NULL)
            value.text = settings->drivers_folder;
        if (value.text != NULL) /* else it was refused */
            add_setting(examination, table, "runtime", &settings_options[i], &value, environment);
    }
}

static void list_driver(const struct examination *examination, const struct driver *driver, struct table *table)
{
    for (const char *const *key = option_runtime_keys; *key != NULL; key++) {
        const struct config_entry *entry = config_entry(&examination->config, driver->section->name, *key);
        const struct trale_option option = {.name = *key, .type = TRALE_OPTION_TEXT};
        if (entry != NULL)
            add_setting(examination, table, driver->section->name, &option,
                        &(struct trale_value){.text = entry->value, .line = entry->line}, NULL);
    }
    for (size_t i = 0; i < driver->settings.n_values; i++) {
        const struct trale_option *option = &driver->description.options[i];
        add_setting(examination, table, driver->section->name, option, &driver->values[i], NULL);
    }
}

/* The sections of programs: only the program that reads one knows its keys. */
static void list_applications(const struct examination *examination, struct table *table)
{
    const struct config *config = &examination->config;
    for (size_t i = 0; i < config->n_entries; i++) {
        const struct config_section *section = &config->sections[config->entries[i].section];
        const struct trale_option option = {.name = config->entries[i].key, .type = TRALE_OPTION_TEXT};
        if (settings_application(section) != NULL)
            add_setting(examination, table, section->name, &option,
                        &(struct trale_value){.text = config->entries[i].value, .line = config->entries[i].line}, NULL);
    }
}

static void note_applications(const struct examination *examination)
{
    for (size_t i = 0; i < examination->config.n_sections; i++) {
        const char *name = settings_application(&examination->config.sections[i]);
        if (name != NULL)
            printf("\nthe program %s checks the keys of [%s] when it reads them\n", name,
                   examination->config.sections[i].name);
    }
}

/* Sections of drivers that `drivers` does not name: they are not read. */
static void list_unused(const struct examination *examination, struct table *table)
{
    const struct settings *settings = &examination->settings;
    for (size_t i = 0; i < examination->config.n_sections; i++) {
        const struct config_section *section = &examination->config.sections[i];
        bool used = strchr(section->name, ':') == NULL || settings_application(section) != NULL;
        for (size_t j = 0; j < settings->n_drivers; j++)
            used |= settings->drivers[j] == section;
        if (used)
            continue;
        add_section(table, section->name);
        table_add_text(table, NULL);
        table_add_text(table, "(not in drivers: not loaded)");
        table_add_text(table, NULL);
        table_add_text(table, NULL);
        add_source(examination, table, section->line, NULL);
    }
}

/* --- drivers ------------------------------------------------------------------------------------------------------ */

static void list_state(const struct examination *examination, size_t i, bool is_started, struct table *table)
{
    const struct driver *driver = &examination->drivers[i];
    const struct trale_driver *description = &driver->description;
    bool is_valid = driver->state != DRIVER_CLOSED;
    const char *needs = description->needs != NULL ? description->needs : "";
    const char *demands = examination_demands(driver);
    char what[512] = "";
    if (is_valid)
        snprintf(what, sizeof what, "%s %s, ABI %u, offers %s%s%s%s%s%s%s", description->name, description->version,
                 description->abi, driver->interfaces, needs[0] != '\0' ? ", needs " : "", needs,
                 driver->over != NULL ? ", over " : "", driver->over != NULL ? driver->over : "",
                 demands[0] != '\0' ? ", demands " : "", demands);
    table_add_text(table, examination_driver(examination, i));
    table_add_text(table, !is_valid ? "refused" : is_started ? "starts" : "valid");
    table_add_truth(table, is_valid);
    table_add_text(table, driver->path);
    table_add_text(table, what);
    table_add_text(table, examination->path);
    add_line(table, examination->settings.drivers[i]->line);
    table_add_text(table, description->version);
    if (is_valid)
        table_add_number(table, description->abi);
    else
        table_add_text(table, NULL);
    table_add_words(table, is_valid ? driver->interfaces : "");
    table_add_words(table, needs);
    table_add_words(table, driver->over != NULL ? driver->over : "");
    table_add_words(table, demands);
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static void warn_of_no_drivers(struct examination *examination)
{
    const struct trale_value *drivers = &examination->settings.values[SETTING_DRIVERS];
    if (examination->settings.n_drivers == 0 && drivers->line > 0 && examination->messages.n_errors == 0)
        log_say_at(&examination->messages.log, TRALE_LOG_WARNING,
                   &(struct log_place){examination->config.name, drivers->line, "runtime", "drivers", NULL},
                   "no driver is named: a program finds no interface, and its calls of drivers answer ENODEV");
}

static void print_verdict(const struct messages *messages, int status)
{
    FILE *file = status == 0 ? stdout : stderr;
    if (status == 0 && messages->n_warnings == 0) {
        fputs("\nall is well\n", file);
        return;
    }
    fprintf(file, "%s%zu error%s", status == 0 ? "\n" : "", messages->n_errors, messages->n_errors == 1 ? "" : "s");
    if (messages->n_warnings > 0)
        fprintf(file, ", %zu warning%s", messages->n_warnings, messages->n_warnings == 1 ? "" : "s");
    putc('\n', file);
}

int command_check(const struct command_options *options)
{
    struct examination examination;
    struct table settings = {.title = "settings",
                             .columns = {{"section", FOR_PEOPLE},
                                         {"section", FOR_PROGRAMS},
                                         {"key", FOR_ALL},
                                         {"value", FOR_PEOPLE},
                                         {"value", FOR_PROGRAMS},
                                         {"text", FOR_PROGRAMS},
                                         {"from", FOR_PEOPLE},
                                         {"source", FOR_PROGRAMS},
                                         {"file", FOR_PROGRAMS},
                                         {"line", FOR_PROGRAMS}}};
    struct table drivers = {.title = "drivers",
                            .columns = {{"driver", FOR_ALL},
                                        {"state", FOR_ALL},
                                        {"valid", FOR_PROGRAMS},
                                        {"path", FOR_ALL},
                                        {"what", FOR_PEOPLE},
                                        {"file", FOR_PROGRAMS},
                                        {"line", FOR_PROGRAMS},
                                        {"version", FOR_PROGRAMS},
                                        {"abi", FOR_PROGRAMS},
                                        {"interfaces", FOR_PROGRAMS},
                                        {"needs", FOR_PROGRAMS},
                                        {"over", FOR_PROGRAMS},
                                        {"demands", FOR_PROGRAMS}}};
    examination_begin(&examination, options->config_path);
    examination_note_environment(&examination);
    warn_of_no_drivers(&examination);
    bool is_started = options->start && examination.messages.n_errors == 0 && examination_start(&examination);
    list_runtime(&examination, &settings);
    for (size_t i = 0; examination.drivers != NULL && i < examination.settings.n_drivers; i++) {
        list_state(&examination, i, is_started, &drivers);
        if (examination.drivers[i].state != DRIVER_CLOSED)
            list_driver(&examination, &examination.drivers[i], &settings);
    }
    list_applications(&examination, &settings);
    list_unused(&examination, &settings);
    if (!options->json) {
        const char *file = examination_file(&examination);
        fputs("configuration: ", stdout);
        table_print_text(file, strlen(file), stdout);
        printf(" (%s)\n\n", examination_origin(&examination));
    }
    struct table *tables[] = {&settings, &drivers};
    int status = examination_print(&examination, tables, 2, options->json);
    if (!options->json && status == 0)
        note_applications(&examination);
    if (!options->json)
        print_verdict(&examination.messages, status);
    table_deinit(&settings);
    table_deinit(&drivers);
    examination_end(&examination);
    return status;
}
