/* SPDX-License-Identifier: MIT */
#include "core/command/simulate_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/trale.h>

#include "core/base/words.h"
#include "core/command/examine.h"
#include "core/config/parse.h"
#include "core/simulate/origin.h"

#define SIM "sim"
#define SIM_SECTION "driver:" SIM

/* What a simulation is made from. */
struct source {
    struct examination program; /* the program's configuration */
    struct config sim_config;   /* one that names sim alone */
    struct driver sim;
    bool is_replaced[64]; /* of each driver of the program: sim takes its place */
};

static bool words_have(const char *list, const char *word)
{
    return words_find(list, word, strlen(word)) != NULL;
}

/* --- which drivers are replaced ----------------------------------------------------------------------------------- */

/* Opens the driver sim: by the section of the program's configuration if there is one, whose mistakes are then shown
 * with their lines. */
static int open_sim(struct source *source)
{
    static const char alone[] = "[" SIM_SECTION "]\npath = sim.so\n";
    const struct log *log = &source->program.messages.log;
    const struct config *config = &source->program.config;
    if (config_section(config, SIM_SECTION) == NULL || config_entry(config, SIM_SECTION, "path") == NULL) {
        int r = config_parse(&source->sim_config, "trale simulate", alone, strlen(alone), log);
        if (r < 0)
            return r;
        config = &source->sim_config;
    }
    return driver_open(&source->sim, config, config_section(config, SIM_SECTION),
                       source->program.settings.drivers_folder, NULL, log);
}

/* Marks the drivers whose interfaces sim offers. A layer stays, over sim. */
static int choose_replaced(struct source *source)
{
    const struct examination *program = &source->program;
    for (size_t i = 0; i < program->settings.n_drivers; i++) {
        const struct driver *driver = &program->drivers[i];
        const char *list = driver->interfaces != NULL ? driver->interfaces : "", *word;
        size_t length, n_offered = 0, n_other = 0;
        bool is_sim = strcmp(examination_driver(program, i), SIM) == 0;
        while (!is_sim && driver->over == NULL && (word = words_next(&list, &length)) != NULL) {
            bool is_offered = driver_offers(&source->sim, word, length);
            n_offered += is_offered;
            n_other += !is_offered;
        }
        if (n_offered > 0 && n_other > 0) {
            log_say(&program->messages.log, TRALE_LOG_ERROR, "trale",
                    "[driver:%s] offers %s, of which sim offers only a part: it can be neither kept nor replaced",
                    examination_driver(program, i), driver->interfaces);
            return -EINVAL;
        }
        source->is_replaced[i] = is_sim || n_offered > 0;
    }
    return 0;
}

/* --- the text ----------------------------------------------------------------------------------------------------- */

static bool names_replaced(const struct source *source, const char *word, size_t length)
{
    for (size_t i = 0; i < source->program.settings.n_drivers; i++)
        if (source->is_replaced[i] && word_is(word, length, examination_driver(&source->program, i)))
            return true;
    return false;
}

/* A list of drivers, in which the first one that is replaced becomes sim, and the others go. */
static void add_list(const struct source *source, struct text *text, const char *list, bool *has_sim)
{
    const char *word, *separator = "";
    size_t length;
    while ((word = words_next(&list, &length)) != NULL) {
        bool is_replaced = names_replaced(source, word, length);
        if (is_replaced && *has_sim)
            continue;
        text_add(text, "%s%.*s", separator, is_replaced ? (int)strlen(SIM) : (int)length, is_replaced ? SIM : word);
        *has_sim |= is_replaced;
        separator = ", ";
    }
}

static void add_drivers(const struct source *source, struct text *text)
{
    const struct trale_value *value = &source->program.settings.values[SETTING_DRIVERS];
    struct text list = {0};
    bool has_sim = false;
    add_list(source, &list, value->text, &has_sim);
    text_add(text, "drivers = %s%s%s\n", has_sim ? "" : SIM, !has_sim && list.chars != NULL ? ", " : "",
             text_chars(&list));
    free(list.chars);
}

/* A key, and above it where it comes from. */
static void add_entry(struct text *text, const struct config *config, const struct config_entry *entry)
{
    text_add(text, ORIGIN "%s:%u\n%s = %s\n", config->name, entry->line, entry->key, entry->value);
}

/* All but what the simulation demands. Without the watchdog and the times of polls no thread and no clock is left. */
static void add_runtime(const struct source *source, struct text *text)
{
    static const char own[] = "drivers drivers_folder threads instances shuffle watchdog poll_times";
    const struct config *config = &source->program.config;
    const struct config_section *runtime = config_section(config, "runtime");
    add_drivers(source, text);
    text_add(text, "drivers_folder = %s\nthreads = 0\n", source->program.settings.drivers_folder);
    for (size_t i = 0; runtime != NULL && i < config->n_entries; i++)
        if (&config->sections[config->entries[i].section] == runtime && !words_have(own, config->entries[i].key))
            add_entry(text, config, &config->entries[i]);
}

static void add_section(const struct source *source, struct text *text, const char *name)
{
    const struct config *config = &source->program.config;
    for (size_t i = 0; i < config->n_entries; i++) {
        const struct config_entry *entry = &config->entries[i];
        if (strcmp(config->sections[entry->section].name, name) != 0)
            continue;
        bool has_sim = false;
        if (strcmp(entry->key, "over") != 0) {
            add_entry(text, config, entry);
            continue;
        }
        text_add(text, ORIGIN "%s:%u\n%s = ", config->name, entry->line, entry->key);
        add_list(source, text, entry->value, &has_sim);
        text_add(text, "\n");
    }
}

/* The sections that programs read for themselves. */
static void add_applications(const struct config *config, struct text *text)
{
    for (size_t i = 0; i < config->n_sections; i++) {
        if (settings_application(&config->sections[i]) == NULL)
            continue;
        text_add(text, "[%s]\n", config->sections[i].name);
        for (size_t j = 0; j < config->n_entries; j++)
            if (config->entries[j].section == i)
                add_entry(text, config, &config->entries[j]);
    }
}

/* Whether the command line sets this key of sim. */
static const char *find_setting(const struct simulate_options *options, const char *key)
{
    for (size_t i = options->n_settings; i-- > 0;) {
        const char *text = options->settings[i];
        size_t length = strcspn(text, "= \t");
        if (strlen(key) == length && memcmp(key, text, length) == 0)
            return strchr(text, '=') + 1;
    }
    return NULL;
}

/* [driver:sim], with what the command line sets in place of what the file does. */
static void add_sim(const struct source *source, struct text *text, const struct simulate_options *options)
{
    static const char own[] = "seed report scenario_out events world programs program serves";
    const struct config *config = &source->program.config;
    text_add(text, "[" SIM_SECTION "]\n");
    if (config_entry(config, SIM_SECTION, "path") == NULL)
        text_add(text, "path = sim.so\n");
    for (size_t i = 0; i < config->n_entries; i++) {
        const struct config_entry *entry = &config->entries[i];
        bool is_replaced = words_have(own, entry->key) ||
                           (strcmp(entry->key, "address") == 0 && options->n_programs > 1) ||
                           find_setting(options, entry->key) != NULL ||
                           (strcmp(entry->key, "settle") == 0 && options->settle != NULL) ||
                           (strcmp(entry->key, "scenario") == 0 && options->scenario != NULL) ||
                           (strcmp(entry->key, "capture") == 0 && options->events != NULL);
        if (strcmp(config->sections[entry->section].name, SIM_SECTION) == 0 && !is_replaced)
            add_entry(text, config, entry);
    }
    for (size_t i = 0; i < options->n_settings; i++) {
        int length = (int)strcspn(options->settings[i], "= \t");
        char key[64];
        snprintf(key, sizeof key, "%.*s", length, options->settings[i]);
        const char *value = strchr(options->settings[i], '=') + 1;
        if (find_setting(options, key) == value) /* the last one of this key */
            text_add(text, ORIGIN "--set %s\n%s =%s%s\n", options->settings[i], key, value[0] != ' ' ? " " : "", value);
    }
}

static bool sim_has(const struct source *source, const char *key)
{
    for (size_t i = 0; i < source->sim.settings.n_values; i++)
        if (strcmp(source->sim.description.options[i].name, key) == 0)
            return true;
    return false;
}

/* Faults are drawn, unless the program's configuration or the command line say otherwise. */
static void add_swarm(const struct source *source, struct text *text, const struct simulate_options *options)
{
    bool is_set = config_entry(&source->program.config, SIM_SECTION, "swarm") != NULL ||
                  config_entry(&source->program.config, SIM_SECTION, "scenario") != NULL ||
                  find_setting(options, "swarm") != NULL || options->scenario != NULL;
    if (!is_set && sim_has(source, "swarm"))
        text_add(text, "swarm = yes\n");
}

static void add_all(const struct source *source, struct simulate_config *config, const struct simulate_options *options)
{
    const struct examination *program = &source->program;
    add_runtime(source, &config->runtime);
    for (size_t i = 0; i < program->settings.n_drivers; i++) {
        if (source->is_replaced[i])
            continue;
        text_add(&config->drivers, "[%s]\n", program->settings.drivers[i]->name);
        add_section(source, &config->drivers, program->settings.drivers[i]->name);
    }
    add_applications(&program->config, &config->drivers);
    add_sim(source, &config->drivers, options);
    add_swarm(source, &config->drivers, options);
    if (options->events != NULL && find_setting(options, "capture") == NULL && sim_has(source, "capture"))
        text_add(&config->drivers, "capture = yes\n");
    for (size_t i = 0; i < source->sim.settings.n_values; i++)
        text_add(&config->options, "%s ", source->sim.description.options[i].name);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int make(struct source *source, struct simulate_config *config, const struct simulate_options *options)
{
    const struct examination *program = &source->program;
    if (program->messages.n_errors > 0 || program->drivers == NULL)
        return -EINVAL;
    if (program->settings.n_drivers > sizeof source->is_replaced) {
        log_say(&program->messages.log, TRALE_LOG_ERROR, "trale", "more than %zu drivers", sizeof source->is_replaced);
        return -E2BIG;
    }
    int r = open_sim(source);
    if (r == 0)
        r = choose_replaced(source);
    if (r < 0)
        return r;
    add_all(source, config, options);
    config->drivers_folder = strdup(program->settings.drivers_folder);
    bool is_whole = config->drivers_folder != NULL && !config->runtime.is_cut && !config->drivers.is_cut;
    return is_whole ? 0 : -ENOMEM;
}

int simulate_config_read(struct simulate_config *config, const struct simulate_options *options)
{
    struct source source = {0};
    *config = (struct simulate_config){0};
    examination_begin(&source.program, options->config_path);
    int r = make(&source, config, options);
    messages_sort(&source.program.messages);
    messages_print(&source.program.messages, stderr);
    if (r == -ENOMEM)
        fprintf(stderr, "error: %s\n", strerror(ENOMEM));
    driver_close(&source.sim);
    config_deinit(&source.sim_config);
    examination_end(&source.program);
    return r;
}

int simulate_config_check(const char *path)
{
    struct examination examination;
    examination_begin(&examination, path);
    const struct messages *messages = &examination.messages;
    bool is_right = messages->n_errors == 0;
    if (!is_right)
        messages_sort(&examination.messages);
    for (size_t i = 0; !is_right && i < messages->n_items; i++) {
        fprintf(stderr, "%s: ", messages_level(messages->items[i].level));
        simulate_origin_print(path, messages->items[i].text != NULL ? messages->items[i].text : "?", stderr);
        putc('\n', stderr);
    }
    examination_end(&examination);
    return is_right ? 0 : -EINVAL;
}
