/* SPDX-License-Identifier: MIT */
#include "core/command/simulate_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/sim_runner.h>

#include "core/command/simulate_value.h"

#define JOBS_MAX 1024
#define DEFAULT_LAST_SEED 1000

/* --- seeds and settings ------------------------------------------------------------------------------------------ */

static int read_seed(struct simulate_options *options, const char *text)
{
    const char *rest;
    if (!simulate_value_number(text, &options->first_seed, &rest) || *rest != '\0')
        return simulate_complain("--seed %s: not a seed; allowed: 0 to %lld", text, (long long)INT64_MAX - 1);
    options->last_seed = options->first_seed;
    return 0;
}

static int read_seeds(struct simulate_options *options, const char *text)
{
    const char *rest = NULL;
    bool is_range = simulate_value_number(text, &options->first_seed, &rest) && strncmp(rest, "..", 2) == 0 &&
                    simulate_value_number(rest + 2, &options->last_seed, &rest) && *rest == '\0';
    if (!is_range)
        return simulate_complain("--seeds %s: not a range of seeds; write for example --seeds 1..10000", text);
    if (options->first_seed > options->last_seed)
        return simulate_complain("--seeds %s: the first seed is larger than the last one", text);
    return 0;
}

/* `text` is KEY=VALUE; blanks around the '=' are no part of it. */
static int add_setting(struct simulate_options *options, const char *text)
{
    static const char *const own[] = {"seed",     "report",  "scenario", "scenario_out", "events", "world",
                                      "programs", "program", "serves",   "path",         NULL};
    size_t length = strcspn(text, "= \t");
    if (length == 0 || strchr(text, '=') == NULL || strpbrk(text, "\n\r") != NULL)
        return simulate_complain("--set %s: not KEY=VALUE", text);
    for (const char *const *key = own; *key != NULL; key++)
        if (strlen(*key) == length && memcmp(*key, text, length) == 0)
            return simulate_complain("--set %s: this key is set by trale simulate itself", text);
    const char **settings = reallocarray(options->settings, options->n_settings + 1, sizeof *settings);
    if (settings == NULL)
        return simulate_complain("%s", strerror(ENOMEM));
    options->settings = settings;
    settings[options->n_settings++] = text;
    return 0;
}

/* --- the command line --------------------------------------------------------------------------------------------- */

enum {
    SEED = 256,
    SEEDS,
    UNTIL,
    SCENARIO,
    SETTLE,
    SET,
    EVENTS,
    SHRINK,
    CANCEL_EVERYWHERE,
    CANCEL_AT,
    GUARD,
    ONCE,
    TIMEOUT,
    LINES,
    KEEP,
    SEPARATOR,
    SERVERS,
    JSON,
};

static const struct option long_options[] = {
    {"seed", required_argument, NULL, SEED},
    {"seeds", required_argument, NULL, SEEDS},
    {"jobs", required_argument, NULL, 'j'},
    {"until", required_argument, NULL, UNTIL},
    {"scenario", required_argument, NULL, SCENARIO},
    {"settle", required_argument, NULL, SETTLE},
    {"set", required_argument, NULL, SET},
    {"events", required_argument, NULL, EVENTS},
    {"shrink", no_argument, NULL, SHRINK},
    {"cancel-everywhere", required_argument, NULL, CANCEL_EVERYWHERE},
    {"cancel-at", required_argument, NULL, CANCEL_AT},
    {"guard", required_argument, NULL, GUARD},
    {"once", no_argument, NULL, ONCE},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"lines", required_argument, NULL, LINES},
    {"keep", no_argument, NULL, KEEP},
    {"config", required_argument, NULL, 'c'},
    {"separator", required_argument, NULL, SEPARATOR},
    {"servers", required_argument, NULL, SERVERS},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* Options whose values are taken as they are. */
static bool take_option(struct simulate_options *options, int c, const char *argument)
{
    const char **text = c == SCENARIO            ? &options->scenario
                        : c == EVENTS            ? &options->events
                        : c == CANCEL_EVERYWHERE ? &options->cancel_everywhere
                        : c == 'c'               ? &options->config_path
                                                 : NULL;
    bool *flag = c == SHRINK ? &options->shrink
                 : c == ONCE ? &options->once
                 : c == KEEP ? &options->keep
                 : c == JSON ? &options->json
                             : NULL;
    if (text != NULL)
        *text = argument;
    if (flag != NULL)
        *flag = true;
    return text != NULL || flag != NULL;
}

static int read_until(struct simulate_options *options, const char *argument)
{
    static const char *const ends[] = {"fail", "all"};
    int choice = simulate_value_choice("--until", argument, ends, 2, "fail or all");
    options->until_all = choice == 1;
    return choice < 0 ? -1 : 0;
}

static int read_guard(struct simulate_options *options, const char *argument)
{
    const char *const names[] = {simulate_guard_name(GUARD_VIRTUALISE), simulate_guard_name(GUARD_WARN),
                                 simulate_guard_name(GUARD_REFUSE), simulate_guard_name(GUARD_OFF)};
    int choice = simulate_value_choice("--guard", argument, names, 4, "virtualise, warn, refuse or off");
    options->guard = choice < 0 ? GUARD_OFF : (enum simulate_guard)choice;
    return choice < 0 ? -1 : 0;
}

static int read_option(struct simulate_options *options, int c, const char *argument)
{
    int64_t ns;
    if (take_option(options, c, argument))
        return 0;
    switch (c) {
    case SEED:
        return read_seed(options, argument);
    case SEEDS:
        return read_seeds(options, argument);
    case 'j':
        return simulate_value_count(&options->n_jobs, 1, JOBS_MAX, "--jobs", argument);
    case LINES:
        return simulate_value_count(&options->n_lines, 0, 1000000, "--lines", argument);
    case CANCEL_AT:
        return simulate_value_count(&options->cancel_at, 1, UINT_MAX, "--cancel-at", argument);
    case SET:
        return add_setting(options, argument);
    case UNTIL:
        return read_until(options, argument);
    case GUARD:
        return read_guard(options, argument);
    case SETTLE:
        options->settle = argument;
        return simulate_value_duration("--settle", argument, &ns);
    case TIMEOUT:
        if (simulate_value_duration("--timeout", argument, &ns) < 0)
            return -1;
        options->limit_ns = (uint64_t)ns;
        return 0;
    default:
        return simulate_complain("the command line is wrong");
    }
}

/* Splits what is left of the command line; the separators become the NULL at the end of each. */
static int read_programs(struct simulate_options *options, int argc, char **argv, const char *separator)
{
    options->programs = calloc((size_t)argc + 1, sizeof *options->programs);
    if (options->programs == NULL)
        return simulate_complain("%s", strerror(ENOMEM));
    for (int begin = 0, i = 0; i <= argc; i++) {
        if (i < argc && strcmp(argv[i], separator) != 0)
            continue;
        if (i == begin)
            return simulate_complain(argc == 0 ? "no program is named; write -- PROGRAM [ARGUMENT...]"
                                               : "there is no program between two separators, or at the end");
        argv[i] = NULL;
        options->programs[options->n_programs++].argv = &argv[begin];
        begin = i + 1;
    }
    return 0;
}

/* Marks the programs of a list such as 2,3, by their numbers from 1. */
static int read_servers(struct simulate_options *options, const char *text)
{
    size_t n_servers = 0;
    for (const char *rest = text; rest != NULL; rest = *rest == ',' ? rest + 1 : NULL) {
        int64_t number;
        if (!simulate_value_number(rest, &number, &rest) || (*rest != ',' && *rest != '\0'))
            return simulate_complain("--servers %s: not a list of programs; write for example --servers 2,3", text);
        if (number < 1 || (uint64_t)number > options->n_programs)
            return simulate_complain("--servers %s: there are programs 1 to %zu", text, options->n_programs);
        n_servers += !options->programs[number - 1].serves;
        options->programs[number - 1].serves = true;
    }
    if (n_servers == options->n_programs)
        return simulate_complain("--servers %s: one program at least must end by itself", text);
    return 0;
}

static bool sets(const struct simulate_options *options, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < options->n_settings; i++)
        if (strcspn(options->settings[i], "= \t") == length && memcmp(options->settings[i], key, length) == 0)
            return true;
    return false;
}

static int check(const struct simulate_options *options)
{
    bool is_one = options->first_seed == options->last_seed;
    if (options->cancel_at > 0 && options->cancel_everywhere == NULL)
        return simulate_complain("--cancel-at is for --cancel-everywhere TASK");
    if (options->events != NULL && !is_one)
        return simulate_complain("--events is for one seed; write --seed N");
    if (options->settle != NULL && sets(options, "settle"))
        return simulate_complain("--set settle: --settle %s says it already", options->settle);
    if (options->n_programs > TRALE_SIM_PROGRAMS)
        return simulate_complain("%zu programs: allowed: 1 to %u", options->n_programs, TRALE_SIM_PROGRAMS);
    if (options->n_programs > 1 && sets(options, "address"))
        return simulate_complain("--set address: several programs have a host each, from 10.0.0.1 on");
    if (options->cancel_everywhere != NULL && !is_one)
        return simulate_complain("--cancel-everywhere is for one seed; write --seed N");
    return 0;
}

static unsigned count_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

int simulate_options_read(struct simulate_options *options, int argc, char **argv)
{
    static char name[] = "trale simulate";
    const char *separator = "--", *servers = NULL;
    *options = (struct simulate_options){.first_seed = 1,
                                         .last_seed = DEFAULT_LAST_SEED,
                                         .n_jobs = count_cpus(),
                                         .n_lines = 20,
                                         .limit_ns = UINT64_C(60000000000)};
    argv[0] = name; /* as getopt calls the program in its messages */
    for (int c; (c = getopt_long(argc, argv, "+c:j:h", long_options, NULL)) != -1;) {
        if (c == 'h')
            return 1;
        if (c == '?') {
            fputs("trale simulate: see trale simulate --help\n", stderr);
            return -1;
        }
        if (c == SEPARATOR)
            separator = optarg;
        else if (c == SERVERS)
            servers = optarg;
        else if (read_option(options, c, optarg) < 0)
            return -1;
    }
    if (read_programs(options, argc - optind, argv + optind, separator) < 0)
        return -1;
    if (servers != NULL && read_servers(options, servers) < 0)
        return -1;
    return check(options);
}

void simulate_options_deinit(struct simulate_options *options)
{
    free(options->settings);
    free(options->programs);
}
