/* SPDX-License-Identifier: MIT */
#include "core/simulate/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/simulation.h"

/* What fills memory, for malloc(3) of libc and of AddressSanitizer, and what these do by default. */
#define FILL 165u
#define NO_FILL 0u
#define NO_FILL_ASAN 190u

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* The paths in all places are equally long, so the variables of the environment are, and so the stack of a program is
 * at the same address in each: what is missing are '/' in front of the file's name. */
#define NAME_LENGTH 40

static char *path_in(const char *folder, const char *file, size_t number)
{
    const char *name = strrchr(folder, '/') + 1;
    int length = (int)strlen(name) < NAME_LENGTH ? NAME_LENGTH - (int)strlen(name) : 1;
    char padding[NAME_LENGTH + 1], suffix[32] = "", *path;
    memset(padding, '/', sizeof padding);
    if (number > 0)
        snprintf(suffix, sizeof suffix, ".%zu", number + 1);
    return asprintf(&path, "%s%.*s%s%s", folder, length, padding, file, suffix) >= 0 ? path : NULL;
}

static int open_file(const char *path, int flags)
{
    return open(path, flags | O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* What a program draws before it has opened its runtime is another thing in each of its lives. */
static int64_t process_seed(const struct simulate_process *process, const struct simulate_plan *plan)
{
    uint64_t seed = (uint64_t)plan->seed + process->n_restarts * UINT64_C(0x9e3779b97f4a7c15);
    return (int64_t)(seed & INT64_MAX);
}

/* A variable as the program gets it; its length is the same in each run. */
static char *variable(const struct simulate_process *process, const struct simulate_setup *setup,
                      const struct simulate_plan *plan, int which)
{
    const char *asan = getenv("ASAN_OPTIONS");
    char *text = NULL;
    int r = -1;
    if (which == VARIABLE_CONFIG)
        r = asprintf(&text, "TRALE_SIMULATION=%s", process->config_path);
    else if (which == VARIABLE_GUARD)
        r = asprintf(&text, "TRALE_GUARD=%s,%019lld,%lld,%s", simulate_guard_name(setup->options->guard),
                     (long long)process_seed(process, plan), (long long)setup->start_ns + (long long)process->begins_ns,
                     process->guard_path);
    else if (which == VARIABLE_FILL)
        r = asprintf(&text, "MALLOC_PERTURB_=%03u", plan->filled_memory ? FILL : NO_FILL);
    else if (which == VARIABLE_FILL_ASAN)
        r = asprintf(&text, "ASAN_OPTIONS=%s%sverify_asan_link_order=0:malloc_fill_byte=%03u", asan != NULL ? asan : "",
                     asan != NULL && asan[0] != '\0' ? ":" : "", plan->filled_memory ? FILL : NO_FILL_ASAN);
    return r >= 0 ? text : NULL;
}

int simulate_place_set_variables(struct simulate_process *process, const struct simulate_setup *setup,
                                 const struct simulate_plan *plan)
{
    for (int i = 0; i < N_VARIABLES; i++) {
        char *text = variable(process, setup, plan, i);
        if (text == NULL)
            return -ENOMEM;
        free(process->variables[i]);
        process->variables[i] = process->environment[setup->n_environment + (size_t)i] = text;
    }
    return 0;
}

static int open_process(struct simulate_process *process, const struct simulate_setup *setup, const char *folder,
                        size_t number)
{
    process->config_path = path_in(folder, "trale.ini", number);
    process->output_path = path_in(folder, "output", number);
    process->guard_path = path_in(folder, "guard", number);
    if (process->config_path != NULL &&
        asprintf(&process->errors_path, "%s" SIMULATION_ERRORS, process->config_path) < 0)
        process->errors_path = NULL;
    process->environment = calloc(setup->n_environment + N_VARIABLES + 1, sizeof *process->environment);
    if (process->config_path == NULL || process->output_path == NULL || process->guard_path == NULL ||
        process->errors_path == NULL || process->environment == NULL)
        return -ENOMEM;
    memcpy(process->environment, setup->environment, setup->n_environment * sizeof *setup->environment);
    process->config = open_file(process->config_path, 0);
    process->output = open_file(process->output_path, O_APPEND);
    process->guard = open_file(process->guard_path, 0);
    return process->config < 0 || process->output < 0 || process->guard < 0 ? -errno : 0;
}

int simulate_place_open(struct simulate_place *place, const struct simulate_setup *setup, const char *name)
{
    size_t n = setup->options->n_programs;
    *place = (struct simulate_place){.processes = calloc(n, sizeof *place->processes), .report_file = -1, .world = -1};
    for (size_t i = 0; place->processes != NULL && i < n; i++)
        place->processes[i].config = place->processes[i].output = place->processes[i].guard = -1;
    if (place->processes == NULL || asprintf(&place->folder, "%s/%s", setup->folder, name) < 0) {
        place->folder = NULL;
        return -ENOMEM;
    }
    if (mkdir(place->folder, 0700) < 0)
        return -errno;
    place->report_path = path_in(place->folder, "report", 0);
    place->scenario_path = path_in(place->folder, "scenario", 0);
    place->events_path = path_in(place->folder, "events", 0);
    place->world_path = path_in(place->folder, "world", 0);
    if (place->report_path == NULL || place->scenario_path == NULL || place->events_path == NULL ||
        place->world_path == NULL)
        return -ENOMEM;
    place->report_file = open_file(place->report_path, 0);
    int r = place->report_file >= 0 ? 0 : -errno;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = open_process(&place->processes[i], setup, place->folder, i);
    return r;
}

static void close_process(struct simulate_process *process)
{
    const int files[] = {process->config, process->output, process->guard};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i] >= 0)
            close(files[i]);
    for (int i = 0; i < N_VARIABLES; i++)
        free(process->variables[i]);
    free(process->environment);
    free(process->config_path);
    free(process->output_path);
    free(process->guard_path);
    free(process->errors_path);
}

void simulate_place_close(struct simulate_place *place, const struct simulate_setup *setup)
{
    for (size_t i = 0; place->processes != NULL && i < setup->options->n_programs; i++)
        close_process(&place->processes[i]);
    if (place->processes != NULL && place->report_file >= 0)
        close(place->report_file);
    free(place->processes);
    free(place->report_path);
    free(place->scenario_path);
    free(place->events_path);
    free(place->world_path);
    free(place->folder);
    *place = (struct simulate_place){0};
}

void simulate_remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
    rmdir(path);
}

/* --- a run -------------------------------------------------------------------------------------------------------- */

static int write_config(const struct simulate_process *process, const struct simulate_setup *setup,
                        const struct simulate_keys *keys)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL)
        return -ENOMEM;
    simulate_config_write(&setup->config, keys, file);
    int r = fclose(file) == 0 ? 0 : -ENOMEM;
    if (r == 0 &&
        (pwrite(process->config, text, length, 0) != (ssize_t)length || ftruncate(process->config, (off_t)length) < 0))
        r = -errno;
    free(text);
    return r;
}

/* The address of the program's host. */
static const char *host_address(const struct simulate_setup *setup, size_t number, char buf[32])
{
    if (setup->options->n_programs == 1)
        return NULL;
    snprintf(buf, 32, "10.0.%zu.%zu", (number + 1) / 256, (number + 1) % 256);
    return buf;
}

int simulate_place_prepare(struct simulate_place *place, const struct simulate_setup *setup,
                           const struct simulate_plan *plan)
{
    const struct simulate_options *options = setup->options;
    const char *const own_scenario = plan->scenario != NULL ? plan->scenario : options->scenario;
    struct simulate_keys keys = {.seed = plan->seed,
                                 .report = place->report_path,
                                 .scenario = own_scenario,
                                 .scenario_out = plan->writes_scenario ? place->scenario_path : NULL,
                                 .events = plan->writes_events ? place->events_path : options->events,
                                 .is_own_events = plan->writes_events,
                                 .writes_chains = plan->writes_chains,
                                 .world = options->n_programs > 1 ? place->world_path : NULL,
                                 .n_programs = options->n_programs,
                                 .settle = options->settle,
                                 .cancel_task = options->cancel_everywhere,
                                 .cancel_await = plan->cancel_await,
                                 .limit_ns = plan->limit_ns};
    char address[32];
    place->plan = *plan;
    place->kill = KILL_NONE;
    place->failed = 0;
    place->has_not_joined = false;
    place->over_ns = 0;
    if (ftruncate(place->report_file, 0) < 0)
        return -errno;
    for (size_t i = 0; i < options->n_programs; i++) {
        struct simulate_process *process = &place->processes[i];
        keys.address = host_address(setup, i, address);
        keys.program = i + 1;
        process->status = 0;
        process->n_restarts = 0;
        process->begins_ns = 0;
        keys.serves = options->programs[i].serves;
        unlink(process->errors_path);
        int r = simulate_place_set_variables(process, setup, plan);
        if (r == 0)
            r = write_config(process, setup, &keys);
        if (r == 0 && (ftruncate(process->output, 0) < 0 || ftruncate(process->guard, 0) < 0))
            r = -errno;
        if (r < 0)
            return r;
    }
    return 0;
}

void simulate_place_read_report(struct simulate_place *place)
{
    struct trale_sim_report *report = &place->report;
    const size_t head = offsetof(struct trale_sim_report, marks);
    memset(report, 0, head);
    ssize_t n = pread(place->report_file, report, head, 0);
    bool is_report = n == (ssize_t)head && report->magic == TRALE_SIM_REPORT_MAGIC &&
                     report->version == TRALE_SIM_REPORT_VERSION && report->n_marks <= TRALE_SIM_MARKS;
    if (!is_report)
        memset(report, 0, head);
    const size_t size = report->n_marks * sizeof report->marks[0];
    if (size > 0 && pread(place->report_file, report->marks, size, (off_t)head) != (ssize_t)size)
        report->n_marks = 0;
}
