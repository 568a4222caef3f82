/* SPDX-License-Identifier: MIT */
#include "core/command/examine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/printable.h"
#include "core/command/installed.h"
#include "core/config/read.h"
#include "core/driver/stack.h"

const char *examination_driver(const struct examination *examination, size_t i)
{
    return strchr(examination->settings.drivers[i]->name, ':') + 1;
}

const char *examination_demands(const struct driver *driver)
{
    return (driver->description.demands & TRALE_DRIVER_DEMANDS_ONE_THREAD) != 0 ? "threads=0 instances=1" : "";
}

/* --- the configuration -------------------------------------------------------------------------------------------- */

void examination_note_environment(struct examination *examination)
{
    if (examination->config.name == NULL)
        return;
    const char *folder = examination->settings.drivers_folder_origin;
    const enum config_origin origin = examination->origin;
    bool from_environment = origin == CONFIG_SIMULATION || origin == CONFIG_ENVIRONMENT || origin == CONFIG_USER;
    if (from_environment || folder != NULL)
        log_say(&examination->messages.log, LEVEL_NOTE, "trale",
                "a setuid or setcap program ignores the environment: it does not use %s%s%s%s",
                from_environment ? examination->path : "", from_environment && folder != NULL ? " and " : "",
                folder != NULL ? "$" : "", folder != NULL ? folder : "");
}

/* What config_load says: of its messages of level INFO, those about files that it passed over are notes. */
static void add_message(void *data, uint32_t level, const char *source, const char *message)
{
    struct examination *examination = data;
    bool says_why = level == TRALE_LOG_INFO && examination->origin >= CONFIG_SYSTEM;
    examination->messages.log.write(&examination->messages, says_why ? LEVEL_NOTE : level, source, message);
}

static void add_message_at(void *data, uint32_t level, const struct log_place *place, const char *message)
{
    struct examination *examination = data;
    examination->messages.log.write_at(&examination->messages, level, place, message);
}

static int examine_config(struct examination *examination, const char *config_path)
{
    const struct log *log = &examination->messages.log;
    const struct log all = {.write = add_message, .data = examination, .write_at = add_message_at};
    int r = config_load(&examination->config, config_path, NULL, &examination->path, &examination->origin, &all);
    examination->is_found = r != -ENOMEM;
    if (r == -ENOMEM)
        log_say(log, TRALE_LOG_ERROR, "trale", "%s", strerror(-r));
    if (r < 0)
        return r;
    settings_read(&examination->settings, &examination->config, log);
    return 0;
}

const char *examination_file(const struct examination *examination)
{
    return examination->path != NULL ? examination->path : CONFIG_BUILT_IN_NAME;
}

const char *examination_origin(const struct examination *examination)
{
    static const char *const origins[] = {
        [CONFIG_EXPLICIT] = "named by the command line",
        [CONFIG_SIMULATION] = "named by $TRALE_SIMULATION, in place of any other",
        [CONFIG_ENVIRONMENT] = "named by $TRALE_CONFIG",
        [CONFIG_USER] = "the user's",
        [CONFIG_SYSTEM] = "the system's",
        [CONFIG_BUILT_IN] = "there is no file: built in",
    };
    return examination->is_found ? origins[examination->origin] : "";
}

/* --- the drivers -------------------------------------------------------------------------------------------------- */

static bool make_drivers(struct examination *examination)
{
    examination->drivers = calloc(examination->settings.n_drivers + 1, sizeof *examination->drivers);
    if (examination->drivers == NULL)
        log_say(&examination->messages.log, TRALE_LOG_ERROR, "trale", "%s", strerror(ENOMEM));
    return examination->drivers != NULL;
}

static void examine_drivers(struct examination *examination)
{
    const struct settings *settings = &examination->settings;
    const struct log *log = &examination->messages.log;
    if (!make_drivers(examination))
        return;
    for (size_t i = 0; i < settings->n_drivers; i++)
        driver_open(&examination->drivers[i], &examination->config, settings->drivers[i], settings->drivers_folder,
                    NULL, log);
    stack_check(examination->drivers, settings, &examination->config, log);
}

static void examine_installed(struct examination *examination)
{
    struct settings *settings = &examination->settings;
    const struct log *log = &examination->messages.log;
    int r = installed_find(&examination->installed, settings->drivers_folder);
    free(settings->drivers);
    settings->n_drivers = 0;
    settings->drivers = calloc(examination->installed.n_sections + 1, sizeof *settings->drivers);
    if (r < 0 || settings->drivers == NULL) {
        log_say(log, TRALE_LOG_ERROR, "trale", "%s: %s", settings->drivers_folder, strerror(r < 0 ? -r : ENOMEM));
        return;
    }
    for (size_t i = 0; i < examination->installed.n_sections; i++)
        settings->drivers[settings->n_drivers++] = &examination->installed.sections[i];
    if (!make_drivers(examination))
        return;
    for (size_t i = 0; i < settings->n_drivers; i++)
        driver_describe(&examination->drivers[i], &examination->installed, settings->drivers[i],
                        settings->drivers_folder, NULL, log);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

void examination_begin(struct examination *examination, const char *config_path)
{
    *examination = (struct examination){0};
    messages_init(&examination->messages);
    if (examine_config(examination, config_path) == 0)
        examine_drivers(examination);
}

void examination_begin_all(struct examination *examination, const char *config_path)
{
    *examination = (struct examination){0};
    messages_init(&examination->messages);
    if (examine_config(examination, config_path) == 0)
        examine_installed(examination);
}

static void print_json(const struct examination *examination, struct table *tables[], size_t n_tables, bool ok)
{
    const struct messages *messages = &examination->messages;
    printf("{\"ok\": %s, \"errors\": %zu, \"warnings\": %zu,\n \"configuration\": ", ok ? "true" : "false",
           messages->n_errors, messages->n_warnings);
    json_print_text(examination->path, stdout);
    printf(", \"origin\": ");
    json_print_text(examination_origin(examination), stdout);
    for (size_t i = 0; i < n_tables; i++) {
        printf(",\n ");
        table_print_json(tables[i], stdout);
    }
    printf(",\n ");
    messages_print_json(messages, stdout);
    printf("}\n");
}

int examination_print(struct examination *examination, struct table *tables[], size_t n_tables, bool json)
{
    struct messages *messages = &examination->messages;
    for (size_t i = 0; i < n_tables; i++)
        if (tables[i]->out_of_memory)
            log_say(&messages->log, TRALE_LOG_ERROR, "trale", "%s: %s", tables[i]->title, strerror(ENOMEM));
    messages_sort(messages);
    bool ok = messages->n_errors == 0 && !messages->out_of_memory;
    if (json) {
        print_json(examination, tables, n_tables, ok);
        return ok ? 0 : 1;
    }
    for (size_t i = 0; i < n_tables; i++) {
        if (i > 0)
            putchar('\n');
        table_print(tables[i], stdout);
    }
    fflush(stdout);
    messages_print(messages, stderr);
    return ok ? 0 : 1;
}

void examination_end(struct examination *examination)
{
    for (size_t i = 0; examination->drivers != NULL && i < examination->settings.n_drivers; i++)
        driver_close(&examination->drivers[i]);
    free(examination->drivers);
    settings_deinit(&examination->settings);
    config_deinit(&examination->config);
    config_deinit(&examination->installed);
    messages_deinit(&examination->messages);
    free(examination->path);
}
