/* SPDX-License-Identifier: MIT
 *
 * trale.process/1 on pidfds: the driver. */
#include <stdlib.h>

#include "children.h"
#include "plan.h"
#include "spawn.h"
#include "watch.h"

static void driver_set_table(struct driver *driver)
{
    driver->table = (struct trale_processes){
        .interface = {.size = sizeof driver->table, .version = 1, .instance = driver},
        .spawn = process_spawn,
        .close = process_close,
        .pid = process_pid,
        .kill = process_kill,
        .release = process_release,
        .wait = process_wait,
    };
}

static int32_t driver_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    (void)settings;
    int r = plan_check_kernel();
    if (r < 0) {
        host->log(host->context, TRALE_LOG_ERROR, "it needs close_range(2) with close-on-exec, of Linux 5.11");
        return r;
    }
    struct driver *driver = calloc(1, sizeof *driver);
    struct plan *plan = plan_make();
    if (driver == NULL || plan == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        plan_free(plan);
        free(driver);
        return -ENOMEM;
    }
    trale_host_copy(&driver->host, host);
    driver->stream = host->interface(host->context, TRALE_STREAM_1, sizeof(struct trale_stream));
    driver->plan = plan;
    driver_set_table(driver);
    *instance = driver;
    return 0;
}

static int32_t driver_settle(void *instance, uint64_t deadline_ns)
{
    return children_end(instance, deadline_ns);
}

static void driver_stop(void *instance)
{
    struct driver *driver = instance;
    children_end(driver, UINT64_MAX);
    children_free(driver);
    plan_free(driver->plan);
    free(driver);
}

static const struct trale_interface *driver_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.process/1") == 0 ? &((struct driver *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "process", .version = TRALE_VERSION, .summary = "child processes, on pidfds",
             .interfaces = TRALE_PROCESS_1, .start = driver_start, .stop = driver_stop, .settle = driver_settle,
             .interface = driver_interface);
