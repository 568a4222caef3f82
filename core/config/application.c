/* SPDX-License-Identifier: MIT
 *
 * The section of an application (settings.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/settings.h>

#include "core/config/advice.h"
#include "core/config/read.h"
#include "core/config/settings.h"
#include "core/config/vet.h"

/* What the caller gets, and what its texts are lent by. */
struct application {
    struct trale_settings settings; /* first: the caller's pointer */
    struct config config;
    struct trale_value *values;
    char section[64];
};

static void write_errors(void *data, uint32_t level, const char *source, const char *message)
{
    const struct log *log = data;
    if (level == TRALE_LOG_ERROR)
        log->write(log->data, level, source, message);
}

/* Checks [runtime] and the names of all sections. The warnings are left to trale_open. */
static int check_others(const struct config *config, bool must_end, const struct log *log)
{
    const struct log errors = {.write = write_errors, .data = (void *)log};
    struct settings settings = {0};
    int r = must_end ? settings_check_end(config, &errors) : 0;
    int result = settings_read(&settings, config, &errors);
    settings_deinit(&settings);
    return result < 0 ? result : r;
}

/* A section of a similar name is probably this one, misspelled. */
static void warn_of_similar(const struct application *application, const struct log *log)
{
    const struct config *config = &application->config;
    const char *name = application->section + strlen(SETTINGS_APPLICATION);
    for (size_t i = 0; i < config->n_sections; i++) {
        const char *other = settings_application(&config->sections[i]);
        if (other != NULL && advice_distance(name, other) <= ADVICE_DISTANCE)
            log_say_at(log, TRALE_LOG_WARNING,
                       &(struct log_place){
                           .file = config->name, .line = config->sections[i].line, .section = config->sections[i].name},
                       "not used: this program reads [%s], which is missing", application->section);
    }
}

static int read_section(struct application *application, const struct trale_option *keys, const struct log *log)
{
    const struct config *config = &application->config;
    const struct config_section *section = config_section(config, application->section);
    char why[OPTION_TEXT];
    int n_keys = option_check_schema(keys, NULL, why);
    if (n_keys < 0) {
        log_say(log, TRALE_LOG_ERROR, "trale", "[%s]: %s", application->section, why);
        return n_keys;
    }
    application->values = calloc((size_t)n_keys + 1, sizeof *application->values);
    if (application->values == NULL)
        return -ENOMEM;
    application->settings = (struct trale_settings){.size = sizeof application->settings,
                                                    .abi = TRALE_ABI,
                                                    .section = application->section,
                                                    .values = application->values,
                                                    .n_values = (uint64_t)n_keys,
                                                    .file = config->name};
    const struct config_section missing = {.name = application->section}; /* for messages */
    if (section == NULL) {
        warn_of_similar(application, log);
        section = &missing;
    }
    return option_read_section(config, section, NULL, keys, (size_t)n_keys, application->values, log);
}

int trale_settings_read_sized(struct trale_settings **settings, const char *name, const struct trale_option *keys,
                              const struct trale_options *caller_options, size_t size)
{
    struct trale_options options = {0};
    if (caller_options != NULL)
        memcpy(&options, caller_options, size < sizeof options ? size : sizeof options);
    const struct log log = {.write = options.log != NULL ? options.log : log_to_stderr, .data = options.log_data};
    struct application *application = calloc(1, sizeof *application);
    enum config_origin origin;
    int r = -ENOMEM;
    if (application == NULL)
        goto fail;
    int length = snprintf(application->section, sizeof application->section, SETTINGS_APPLICATION "%s", name);
    if (length > VET_NAME_MAX || !settings_is_name(name)) {
        log_say(&log, TRALE_LOG_ERROR, "trale", "[%s]: no section of trale.ini can have this name",
                application->section);
        r = -EINVAL;
        goto fail;
    }
    r = config_load_for(&application->config, &options, &origin, &log);
    if (r < 0)
        goto fail;
    r = check_others(&application->config, options.require_end != 0 && origin != CONFIG_BUILT_IN, &log);
    int result = read_section(application, keys, &log);
    r = result < 0 ? result : r;
    if (r < 0)
        goto fail;
    *settings = &application->settings;
    return 0;
fail:
    if (application != NULL)
        trale_settings_free(&application->settings);
    return r;
}

void trale_settings_free(struct trale_settings *settings)
{
    struct application *application = (struct application *)settings;
    if (application == NULL)
        return;
    config_deinit(&application->config);
    free(application->values);
    free(application);
}
