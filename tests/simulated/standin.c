/* SPDX-License-Identifier: MIT
 *
 * A stand-in for the driver sim: it reads and writes scenarios and a report, and simulates nothing. With it
 * tests/simulate.sh knows which faults are necessary for a failure. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/sim_report.h>

#include "standin.h"

/* What every seed draws. The task "worker" awaits 5 times. */
static const char drawn[] = "from 0s loss 10.0.0.1 -> * 12%\n"
                            "from 2s until 5s latency * -> * 80ms jitter 20ms\n"
                            "at 1.7s partition 10.0.0.1 | 10.0.0.2 for 1600ms\n"
                            "from 0s duplicate * -> * 1%\n"
                            "at 3s crash 10.0.0.3, restart after 2s\n"
                            "at 4s clock 10.0.0.1 step -3s\n"
                            "at 1s drop 10.0.0.1 -> 10.0.0.2 8\n"
                            "from 0s mtu * -> 10.0.0.2 1280\n";

enum { SEED, REPORT, SCENARIO, SCENARIO_OUT, CANCEL_TASK, CANCEL_AWAIT };
static const struct trale_option options[] = {
    {.name = "seed", .type = TRALE_OPTION_INTEGER, .maximum = INT64_MAX, .default_value = "1", .help = "nothing"},
    {.name = "report", .type = TRALE_OPTION_TEXT, .default_value = "", .help = "a file"},
    {.name = "scenario", .type = TRALE_OPTION_TEXT, .default_value = "", .help = "a file"},
    {.name = "scenario_out", .type = TRALE_OPTION_TEXT, .default_value = "", .help = "a file"},
    {.name = "cancel_task", .type = TRALE_OPTION_TEXT, .default_value = "", .help = "nothing"},
    {.name = "cancel_await",
     .type = TRALE_OPTION_INTEGER,
     .maximum = INT64_MAX,
     .default_value = "0",
     .help = "a number"},
    {.name = NULL},
};

struct instance {
    struct faults faults;
    char text[4096];
};

static int write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = path[0] != '\0' ? fopen(path, "w") : NULL;
    if (file == NULL)
        return path[0] != '\0' ? -errno : 0;
    size_t n = fwrite(bytes, 1, size, file);
    return fclose(file) == 0 && n == size ? 0 : -EIO;
}

static int read_scenario(struct instance *instance, const char *path)
{
    FILE *file = path[0] != '\0' ? fopen(path, "r") : NULL;
    strcpy(instance->text, drawn);
    if (file == NULL)
        return path[0] != '\0' ? -errno : 0;
    size_t n = fread(instance->text, 1, sizeof instance->text - 1, file);
    instance->text[n] = '\0';
    fclose(file);
    return 0;
}

static int32_t standin_start(const struct trale_host *host, const struct trale_settings *settings, void **result)
{
    (void)host;
    const bool has_task = strcmp(settings->values[CANCEL_TASK].text, "worker") == 0;
    const struct trale_sim_report report = {.magic = TRALE_SIM_REPORT_MAGIC,
                                            .version = TRALE_SIM_REPORT_VERSION,
                                            .outcome = TRALE_SIM_CLOSED,
                                            .n_awaits = has_task ? 5 : 0};
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        return -ENOMEM;
    int r = read_scenario(instance, settings->values[SCENARIO].text);
    if (r == 0)
        r = write_file(settings->values[SCENARIO_OUT].text, instance->text, strlen(instance->text));
    if (r == 0)
        r = write_file(settings->values[REPORT].text, &report, sizeof report);
    if (r < 0) {
        free(instance);
        return r;
    }
    instance->faults = (struct faults){
        {sizeof instance->faults, 1, instance}, instance->text, settings->values[CANCEL_AWAIT].integer};
    *result = instance;
    return 0;
}

static void standin_stop(void *instance)
{
    free(instance);
}

static const struct trale_interface *standin_interface(void *instance, const char *name)
{
    return strcmp(name, ORG_EXAMPLE_FAULTS_1) == 0 ? &((struct instance *)instance)->faults.interface : NULL;
}

TRALE_DRIVER(.name = "sim", .version = "1.0", .summary = "scenarios without a simulation",
             .interfaces = ORG_EXAMPLE_FAULTS_1, .options = options, .start = standin_start, .stop = standin_stop,
             .interface = standin_interface);
