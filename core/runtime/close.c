/* SPDX-License-Identifier: MIT
 *
 * Closing a runtime: with a limit, and so in steps that can be taken up again where the last call stopped. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/deadline.h"
#include "core/base/futex.h"
#include "core/executor/block.h"
#include "core/runtime/runtime.h"

void runtime_stop(struct trale *runtime)
{
    executor_stop(&runtime->executor);
}

/* Waits for the end of the executor's thread, after runtime_stop. */
static int runtime_await_thread(struct trale *runtime, const struct timespec *deadline)
{
    while (atomic_load(&runtime->executor_ended) == 0) {
        if (deadline_has_passed(deadline))
            return -ETIMEDOUT;
        futex_wait_until(&runtime->executor_ended, 0, deadline);
    }
    pthread_join(runtime->executor_thread, NULL);
    runtime->executor_runs = false;
    return 0;
}

int runtime_end(struct trale *runtime, const struct timespec *deadline)
{
    char what[WATCHDOG_TEXT];
    int r = runtime->executor_runs ? runtime_await_thread(runtime, deadline)
                                   : executor_end_here(&runtime->executor, deadline);
    if (r < 0)
        log_say(&runtime->log, TRALE_LOG_WARNING, "trale", "not closed in time: %s has not ended",
                watchdog_describe(&runtime->watchdog, what)
                    ? what
                    : "the poll of a task, which [runtime] watchdog would name,");
    return r;
}

static int runtime_settle_driver(struct trale *runtime, const struct driver *driver, const struct timespec *deadline)
{
    if (driver->state != DRIVER_STARTED)
        return 0;
    watchdog_begin(&runtime->watchdog, WATCH_STOP, 0, driver->name);
    checks_phase_begins(runtime->checks);
    int r = driver_settle(driver, deadline_ns(deadline));
    checks_phase_ends(runtime->checks);
    watchdog_end(&runtime->watchdog);
    if (r < 0)
        log_say(&runtime->log, TRALE_LOG_WARNING, "trale", "not closed in time: [driver:%s] has not ended",
                driver->name);
    return r;
}

int runtime_settle(struct trale *runtime, const struct timespec *deadline)
{
    size_t n_drivers = runtime->drivers != NULL ? runtime->settings.n_drivers : 0;
    atomic_store(&runtime->reactor_stopping, true);
    reactor_interrupt(&runtime->reactor);
    if (runtime->reactor_runs)
        pthread_join(runtime->reactor_thread, NULL);
    runtime->reactor_runs = false;
    int r = 0;
    for (size_t i = n_drivers; r == 0 && i-- > 0;)
        r = runtime_settle_driver(runtime, &runtime->drivers[i], deadline);
    return r;
}

static void runtime_unload(struct trale *runtime)
{
    for (size_t i = runtime->drivers != NULL ? runtime->settings.n_drivers : 0; i-- > 0;) {
        watchdog_begin(&runtime->watchdog, WATCH_STOP, 0, runtime->drivers[i].name);
        checks_phase_begins(runtime->checks);
        driver_close(&runtime->drivers[i]);
        checks_phase_ends(runtime->checks);
        if (runtime->checks != NULL)
            ledger_report(runtime->hosts[i].ledger);
        watchdog_end(&runtime->watchdog);
    }
    checks_close(runtime->checks);
    watchdog_stop(&runtime->watchdog);
    executor_deinit(&runtime->executor);
    fiber_stacks_deinit(&runtime->fiber_stacks);
    reactor_deinit(&runtime->reactor);
}

void runtime_deinit(struct trale *runtime)
{
    if (runtime->state >= RUNTIME_LOADED)
        runtime_unload(runtime);
    if (runtime->state >= RUNTIME_CONFIGURED) {
        settings_deinit(&runtime->settings);
        config_deinit(&runtime->config);
    }
    interfaces_deinit(&runtime->interfaces);
    free(runtime->drivers);
    free(runtime->hosts);
}

static int runtime_close(struct trale *runtime, const struct timespec *deadline)
{
    struct block block;
    if (runtime == NULL)
        return 0;
    if (runtime->is_kept)
        return -EPERM;
    int r = block_enter(&block, &runtime->executor, true, NULL);
    if (r < 0)
        return r;
    if (atomic_exchange(&runtime->closing, true)) {
        block_leave(&block);
        return -EDEADLK;
    }
    runtime_stop(runtime);
    r = runtime_end(runtime, deadline);
    if (r == 0)
        r = runtime_settle(runtime, deadline);
    if (r == 0)
        runtime_deinit(runtime);
    else
        atomic_store(&runtime->closing, false);
    /* Before another runtime may have the address. */
    block_leave(&block);
    if (r == 0)
        free(runtime);
    return r;
}

int trale_close(struct trale *runtime)
{
    return runtime_close(runtime, NULL);
}

int trale_close_within(struct trale *runtime, uint64_t limit_ns)
{
    struct timespec deadline = deadline_after(limit_ns);
    return runtime_close(runtime, &deadline);
}
