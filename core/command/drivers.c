/* SPDX-License-Identifier: MIT
 *
 * `trale drivers`: the description of each driver. */
#include <stdio.h>
#include <string.h>

#include "core/command/examine.h"
#include "core/config/option.h"

static void add_limit(struct table *table, const struct trale_option *option, int64_t limit)
{
    if (option->type <= TRALE_OPTION_DURATION && (option->minimum != 0 || option->maximum != 0))
        table_add_number(table, limit);
    else
        table_add_text(table, NULL);
}

static void list_options(const struct driver *driver, struct table *table)
{
    const struct trale_driver *description = &driver->description;
    for (size_t i = 0; description->options != NULL && description->options[i].name != NULL; i++) {
        const struct trale_option *option = &description->options[i];
        char allowed[OPTION_TEXT];
        table_add_text(table, driver->name);
        table_add_text(table, option->name);
        table_add_text(table, option_kind(option));
        table_add_text(table, option->default_value != NULL ? option->default_value : "(must be given)");
        table_add_text(table, option->default_value);
        table_add_text(table, option_allowed(option, allowed));
        add_limit(table, option, option->minimum);
        add_limit(table, option, option->maximum);
        table_add_text(table, option->help != NULL ? option->help : "");
        table_add_text(table, option->help);
    }
}

static void list_driver(const struct examination *examination, size_t i, struct table *table)
{
    const struct driver *driver = &examination->drivers[i];
    const struct trale_driver *description = &driver->description;
    bool is_valid = driver->state != DRIVER_CLOSED;
    table_add_text(table, examination_driver(examination, i));
    table_add_text(table, description->version);
    if (is_valid)
        table_add_number(table, description->abi);
    else
        table_add_text(table, NULL);
    table_add_words(table, is_valid ? driver->interfaces : "");
    table_add_words(table, description->needs != NULL ? description->needs : "");
    table_add_words(table, examination_demands(driver));
    table_add_text(table, driver->path);
    table_add_text(table, is_valid ? description->summary : "(refused)");
    table_add_text(table, description->summary);
    table_add_truth(table, is_valid);
}

int command_drivers(const struct command_options *options)
{
    struct examination examination;
    struct table drivers = {.title = "drivers",
                            .columns = {{"driver", FOR_ALL},
                                        {"version", FOR_ALL},
                                        {"abi", FOR_ALL},
                                        {"interfaces", FOR_ALL},
                                        {"needs", FOR_ALL},
                                        {"demands", FOR_PROGRAMS},
                                        {"path", FOR_ALL},
                                        {"summary", FOR_PEOPLE},
                                        {"summary", FOR_PROGRAMS},
                                        {"valid", FOR_PROGRAMS}}};
    struct table keys = {.title = "options",
                         .columns = {{"driver", FOR_ALL},
                                     {"key", FOR_ALL},
                                     {"type", FOR_ALL},
                                     {"default", FOR_PEOPLE},
                                     {"default", FOR_PROGRAMS},
                                     {"allowed", FOR_ALL},
                                     {"minimum", FOR_PROGRAMS},
                                     {"maximum", FOR_PROGRAMS},
                                     {"what it is", FOR_PEOPLE},
                                     {"help", FOR_PROGRAMS}}};
    (options->all ? examination_begin_all : examination_begin)(&examination, options->config_path);
    for (size_t i = 0; examination.drivers != NULL && i < examination.settings.n_drivers; i++) {
        list_driver(&examination, i, &drivers);
        list_options(&examination.drivers[i], &keys);
    }
    struct table *tables[] = {&drivers, &keys};
    int status = examination_print(&examination, tables, options->options ? 2 : 1, options->json);
    table_deinit(&drivers);
    table_deinit(&keys);
    examination_end(&examination);
    return status;
}
