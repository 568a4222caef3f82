/* SPDX-License-Identifier: MIT */
#include "core/simulate/config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/words.h"
#include "core/simulate/origin.h"

void simulate_config_deinit(struct simulate_config *config)
{
    free(config->runtime.chars);
    free(config->drivers.chars);
    free(config->options.chars);
    free(config->drivers_folder);
}

bool simulate_config_has(const struct simulate_config *config, const char *key)
{
    return words_find(text_chars(&config->options), key, strlen(key)) != NULL;
}

/* Whether the user has set the key of [driver:sim], which is the last section. */
static bool is_set(const struct simulate_config *config, const char *key)
{
    const char *line = strstr(text_chars(&config->drivers), "[driver:sim]\n");
    for (; line != NULL; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        size_t length = strlen(key);
        if (strncmp(line, key, length) == 0 && strncmp(line + length, " =", 2) == 0)
            return true;
    }
    return false;
}

static void write_key(const char *key, const char *value, FILE *file)
{
    if (value != NULL)
        fprintf(file, "%s = %s\n", key, value);
}

/* One that an option of the command line sets. */
static void write_option(const char *option, const char *key, const char *value, FILE *file)
{
    if (value != NULL)
        fprintf(file, ORIGIN "%s\n%s = %s\n", option, key, value);
}

void simulate_config_write(const struct simulate_config *config, const struct simulate_keys *keys, FILE *file)
{
    fprintf(file, "[runtime]\n%sshuffle = %lld\n", text_chars(&config->runtime), (long long)keys->seed);
    fprintf(file, "%sseed = %lld\n", text_chars(&config->drivers), (long long)keys->seed);
    write_key("address", keys->address, file);
    write_key("report", keys->report, file);
    write_option("--scenario", "scenario", keys->scenario, file);
    write_key("scenario_out", keys->scenario_out, file);
    if (keys->is_own_events)
        write_key("events", keys->events, file);
    else
        write_option("--events", "events", keys->events, file);
    if (keys->limit_ns > 0 && !is_set(config, "time_limit"))
        fprintf(file, ORIGIN "--cancel-everywhere\ntime_limit = %lluns\n", (unsigned long long)keys->limit_ns);
    if (keys->writes_chains && !is_set(config, "chains"))
        write_key("chains", "yes", file);
    write_key("world", keys->world, file);
    if (keys->world != NULL)
        fprintf(file, "programs = %zu\nprogram = %zu\nserves = %s\n", keys->n_programs, keys->program,
                keys->serves ? "yes" : "no");
    write_option("--settle", "settle", keys->settle, file);
    write_option("--cancel-everywhere", "cancel_task", keys->cancel_task, file);
    if (keys->cancel_task != NULL)
        fprintf(file, "cancel_await = %lld\n", (long long)keys->cancel_await);
    fputs("[end]\n", file);
}
