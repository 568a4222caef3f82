/* SPDX-License-Identifier: MIT */
#include "core/command/simulate_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/command/installed.h"
#include "core/command/simulate_config.h"
#include "core/config/trusted_file.h"
#include "core/simulate/launch.h"
#include "core/simulate/run.h"

/* The time of day when a world begins, by default. */
#define START_NS INT64_C(1893456000000000000) /* 2030-01-01T00:00:00Z */

/* --- the guard ---------------------------------------------------------------------------------------------------- */

static void say_reason(void *data, const char *reason)
{
    (void)data;
    fprintf(stderr, "error: the guard: %s\n", reason);
}

/* It is loaded into each program, as drivers are, and must be as trustworthy. */
static int find_guard(struct simulate_setup *setup)
{
    static const struct file_report report = {say_reason, NULL};
    if (setup->options->guard == GUARD_OFF)
        return 0;
    const char *const folders[] = {setup->config.drivers_folder, TRALE_DRIVERS_FOLDER};
    for (size_t i = 0; i < 2; i++) {
        char *path;
        if (asprintf(&path, "%s/" INSTALLED_GUARD, folders[i]) < 0)
            return -ENOMEM;
        bool is_there = access(path, F_OK) == 0 || i == 1;
        int fd = is_there ? file_open_trusted(path, NULL, &setup->guard, &report) : 0;
        free(path);
        if (!is_there)
            continue;
        if (fd < 0) {
            fprintf(stderr, "error: without it: --guard off\n");
            return fd;
        }
        close(fd);
        return 0;
    }
    return -ENOENT;
}

/* --- the environment ---------------------------------------------------------------------------------------------- */

static bool is_variable(const char *text, const char *name)
{
    size_t length = strlen(name);
    return strncmp(text, name, length) == 0 && text[length] == '=';
}

/* Adds a list that ends with what the command's own variable has; `own` may be NULL. */
static int add_list(struct simulate_setup *setup, const char *name, const char *own, char separator)
{
    const char *other = getenv(name);
    bool has_other = other != NULL && other[0] != '\0';
    char *text = NULL;
    if (own == NULL && !has_other)
        return 0;
    if (asprintf(&text, "%s=%s%.*s%s", name, own != NULL ? own : "", own != NULL && has_other, &separator,
                 has_other ? other : "") < 0)
        return -ENOMEM;
    setup->environment[setup->n_environment++] = text;
    return 0;
}

/* The command's own, without the variables that each run sets. */
static int copy_environment(struct simulate_setup *setup)
{
    static const char *const own[] = {"TRALE_SIMULATION", "TRALE_GUARD",  "LD_PRELOAD",
                                      "GLIBC_TUNABLES",   "ASAN_OPTIONS", "MALLOC_PERTURB_"};
    size_t n = 0;
    while (environ[n] != NULL)
        n++;
    setup->environment = calloc(n + 3, sizeof *setup->environment);
    if (setup->environment == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        bool is_own = false;
        for (size_t j = 0; j < sizeof own / sizeof own[0]; j++)
            is_own |= is_variable(environ[i], own[j]);
        if (is_own)
            continue;
        char *text = setup->environment[setup->n_environment] = strdup(environ[i]);
        if (text == NULL)
            return -ENOMEM;
        setup->n_environment++;
    }
    int r = add_list(setup, "LD_PRELOAD", setup->guard, ':');
    /* The cache of each thread hands memory out without filling it. */
    return r == 0 ? add_list(setup, "GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", ':') : r;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static int find_programs(struct simulate_setup *setup)
{
    const struct simulate_options *options = setup->options;
    setup->paths = calloc(options->n_programs, sizeof *setup->paths);
    for (size_t i = 0; setup->paths != NULL && i < options->n_programs; i++) {
        setup->paths[i] = simulate_find_program(options->programs[i].argv[0]);
        if (setup->paths[i] == NULL) {
            int r = -errno;
            fprintf(stderr, "trale simulate: %s: %s\n", options->programs[i].argv[0], strerror(-r));
            return r;
        }
    }
    return setup->paths != NULL ? 0 : -ENOMEM;
}

static int make_folder(struct simulate_setup *setup)
{
    const char *folder = getenv("TMPDIR");
    char *path;
    if (folder == NULL || folder[0] != '/')
        folder = "/tmp";
    if (asprintf(&path, "%s/trale-simulate.XXXXXX", folder) < 0)
        return -ENOMEM;
    if (mkdtemp(path) == NULL) {
        int r = -errno;
        fprintf(stderr, "trale simulate: %s: %s\n", path, strerror(-r));
        free(path);
        return r;
    }
    setup->folder = path;
    return 0;
}

/* The configuration as programs get it, once, so that its mistakes are shown once. */
static int check_config(const struct simulate_setup *setup)
{
    struct simulate_place place;
    const struct simulate_plan plan = {.seed = setup->options->first_seed};
    int r = simulate_place_open(&place, setup, "check");
    if (r == 0)
        r = simulate_place_prepare(&place, setup, &plan);
    if (r < 0)
        fprintf(stderr, "trale simulate: %s: %s\n", setup->folder, strerror(-r));
    else
        r = simulate_config_check(place.processes[0].config_path);
    if (place.folder != NULL)
        simulate_remove_folder(place.folder);
    simulate_place_close(&place, setup);
    return r;
}

static int check_options(const struct simulate_setup *setup)
{
    const struct {
        const char *option, *key;
        bool is_used;
    } needs[] = {
        {"--scenario", "scenario", setup->options->scenario != NULL},
        {"--settle", "settle", setup->options->settle != NULL},
        {"--shrink", "scenario_out", setup->options->shrink},
        {"--cancel-everywhere", "cancel_task", setup->options->cancel_everywhere != NULL},
        {"several programs", "world", setup->options->n_programs > 1},
    };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (needs[i].is_used && !simulate_config_has(&setup->config, needs[i].key)) {
            fprintf(stderr, "trale simulate: %s: this driver sim has no key `%s`\n", needs[i].option, needs[i].key);
            return -ENOTSUP;
        }
    return 0;
}

int simulate_setup(struct simulate_setup *setup, const struct simulate_options *options)
{
    *setup = (struct simulate_setup){.options = options, .null = -1, .start_ns = START_NS};
    setup->fixes_addresses = simulate_can_fix_addresses();
    int r = simulate_config_read(&setup->config, options);
    if (r == 0)
        r = find_programs(setup);
    if (r == 0)
        r = check_options(setup);
    if (r == 0)
        r = find_guard(setup);
    if (r == 0)
        r = copy_environment(setup);
    if (r < 0)
        return r;
    setup->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (setup->null < 0) {
        fprintf(stderr, "trale simulate: /dev/null: %s\n", strerror(errno));
        return -errno;
    }
    simulate_watch_signals(setup); /* from here on there are files that a signal must not leave behind */
    r = make_folder(setup);
    return r == 0 ? check_config(setup) : r;
}

void simulate_setup_deinit(struct simulate_setup *setup)
{
    simulate_config_deinit(&setup->config);
    for (size_t i = 0; setup->paths != NULL && i < setup->options->n_programs; i++)
        free(setup->paths[i]);
    for (size_t i = 0; setup->environment != NULL && i < setup->n_environment; i++)
        free(setup->environment[i]);
    free(setup->paths);
    free(setup->environment);
    if (setup->null >= 0)
        close(setup->null);
    if (setup->folder != NULL)
        rmdir(setup->folder);
    free(setup->folder);
    free(setup->guard);
}
