/* SPDX-License-Identifier: MIT */
#include "core/simulate/replay.h"

#include <string.h>

static void print_word(const char *word, FILE *file)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%^";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, file);
        return;
    }
    putc('\'', file);
    for (; *word != '\0'; word++)
        fputs(*word == '\'' ? "'\\''" : (const char[]){*word, '\0'}, file);
    putc('\'', file);
}

static void print_option(const char *name, const char *value, FILE *file)
{
    if (value == NULL)
        return;
    fprintf(file, " %s ", name);
    print_word(value, file);
}

static void print_servers(const struct simulate_options *options, FILE *file)
{
    const char *before = " --servers ";
    for (size_t i = 0; i < options->n_programs; i++) {
        if (!options->programs[i].serves)
            continue;
        fprintf(file, "%s%zu", before, i + 1);
        before = ",";
    }
}

void simulate_replay_print(const struct simulate_options *options, int64_t seed, int64_t await, const char *scenario,
                           FILE *file)
{
    bool has_separator = false;
    fprintf(file, "trale simulate --seed %lld", (long long)seed);
    print_option("--config", options->config_path, file);
    print_option("--scenario", scenario != NULL ? scenario : options->scenario, file);
    print_option("--cancel-everywhere", options->cancel_everywhere, file);
    if (await > 0)
        fprintf(file, " --cancel-at %lld", (long long)await);
    print_option("--settle", options->settle, file);
    for (size_t i = 0; i < options->n_settings; i++)
        print_option("--set", options->settings[i], file);
    if (options->guard != GUARD_VIRTUALISE)
        print_option("--guard", simulate_guard_name(options->guard), file);
    for (size_t i = 0; i < options->n_programs; i++)
        for (char **word = options->programs[i].argv; *word != NULL; word++)
            has_separator |= strcmp(*word, "--") == 0;
    print_servers(options, file);
    const char *separator = has_separator ? "-+-" : "--";
    if (has_separator)
        print_option("--separator", separator, file);
    for (size_t i = 0; i < options->n_programs; i++) {
        fprintf(file, " %s", i == 0 ? "--" : separator);
        for (char **word = options->programs[i].argv; *word != NULL; word++) {
            putc(' ', file);
            print_word(*word, file);
        }
    }
}
