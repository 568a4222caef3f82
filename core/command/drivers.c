/* SPDX-License-Identifier: MIT
 *
 * `trale drivers`: the description of each driver. */
#include <stdio.h>
#include <string.h>

#include "core/command/examine.h"
#include "core/config/option.h"

static void list_options(const struct driver *driver, struct table *table)
{
    const struct trale_driver *description = &driver->description;
    for (size_t i = 0; i < driver->settings.n_values; i++) {
        struct trale_option option = option_at(description->options, description->option_size, i);
        char allowed[OPTION_TEXT];
        table_add(table, driver->name, option.name, option_kind(&option),
                  option.default_value != NULL ? option.default_value : "(must be given)",
                  option_allowed(&option, allowed), option.help != NULL ? option.help : "");
    }
}

int command_drivers(const struct command_options *options)
{
    struct examination examination;
    struct table drivers = {.title = "drivers",
                            .columns = {"driver", "version", "ABI", "interfaces", "file", "summary"}};
    struct table keys = {.title = "options", .columns = {"driver", "key", "type", "default", "allowed", "what it is"}};
    examination_begin(&examination, options->config_path);
    for (size_t i = 0; examination.drivers != NULL && i < examination.settings.n_drivers; i++) {
        const struct driver *driver = &examination.drivers[i];
        const char *name = strchr(examination.settings.drivers[i]->name, ':') + 1;
        if (driver->state == DRIVER_CLOSED) {
            table_add(&drivers, name, "", "", "", "", "(does not load)");
            continue;
        }
        char abi[16];
        snprintf(abi, sizeof abi, "%u", driver->description.abi);
        table_add(&drivers, name, driver->description.version, abi, driver->description.interfaces, driver->path,
                  driver->description.summary);
        list_options(driver, &keys);
    }
    struct table *tables[] = {&drivers, &keys};
    int status = examination_print(&examination, tables, options->options ? 2 : 1, options->json);
    table_deinit(&drivers);
    table_deinit(&keys);
    examination_end(&examination);
    return status;
}
