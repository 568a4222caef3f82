/* SPDX-License-Identifier: MIT
 *
 * Where everything is put together, and taken apart in reverse. The three thread layouts differ here and nowhere else:
 * in the thread that runs the executor, and in how the executor sleeps. */
#include "core/runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/futex.h"
#include "core/base/thread.h"
#include "core/config/read.h"
#include "core/config/read.h"
#include "core/driver/stack.h"

/* --- threads ------------------------------------------------------------------------------------------------------ */

static void *executor_thread(void *data)
{
    struct trale *runtime = data;
    executor_run(&runtime->executor);
    atomic_store(&runtime->executor_ended, 1);
    futex_wake_all(&runtime->executor_ended);
    return NULL;
}

static void *reactor_thread(void *data)
{
    struct trale *runtime = data;
    while (!atomic_load(&runtime->reactor_stopping))
        reactor_wait(&runtime->reactor, UINT64_MAX, true);
    return NULL;
}

static int runtime_start_threads(struct trale *runtime)
{
    const void *owner = &runtime->executor;
    int r = 0;
    if (runtime->settings.threads >= 1) {
        r = thread_start(&runtime->executor_thread, "trale", owner, executor_thread, runtime);
        runtime->executor_runs = r == 0;
    }
    if (r == 0 && runtime->settings.threads == 2) {
        r = thread_start(&runtime->reactor_thread, "trale-reactor", owner, reactor_thread, runtime);
        runtime->reactor_runs = r == 0;
    }
    if (r == 0)
        r = watchdog_start(&runtime->watchdog, owner);
    if (r < 0)
        log_say(&runtime->log, TRALE_LOG_ERROR, "trale", "cannot start a thread: %s", strerror(-r));
    return r;
}

/* --- drivers ------------------------------------------------------------------------------------------------------ */

/* Each driver hears whether a task is runnable now: one that was asked before it may have woken one. */
static uint64_t runtime_before_wait(void *data)
{
    struct trale *runtime = data;
    uint64_t least_ns = UINT64_MAX;
    for (size_t i = 0; i < runtime->n_started; i++) {
        const struct driver *driver = &runtime->drivers[i];
        if (driver->description.before_wait == NULL)
            continue;
        uint64_t limit_ns = driver->description.before_wait(driver->instance, executor_is_idle(&runtime->executor));
        least_ns = limit_ns < least_ns ? limit_ns : least_ns;
    }
    if (runtime->checks != NULL && executor_is_idle(&runtime->executor)) {
        uint64_t limit_ns = checks_look(runtime->checks);
        least_ns = limit_ns < least_ns ? limit_ns : least_ns;
    }
    return least_ns;
}

/* Opens all drivers, to find all that is wrong, before any code of the first one runs. */
static int runtime_open_drivers(struct trale *runtime)
{
    const struct settings *settings = &runtime->settings;
    runtime->drivers = calloc(settings->n_drivers + 1, sizeof *runtime->drivers);
    runtime->hosts = calloc(settings->n_drivers + 1, sizeof *runtime->hosts);
    if (runtime->drivers == NULL || runtime->hosts == NULL)
        return -ENOMEM;
    int result = 0;
    for (size_t i = 0; i < settings->n_drivers; i++) {
        int r = driver_open(&runtime->drivers[i], &runtime->config, settings->drivers[i], settings->drivers_folder,
                            &runtime->trust, &runtime->log);
        if (r < 0 && result == 0)
            result = r;
    }
    int r = stack_check(runtime->drivers, settings, &runtime->config, &runtime->log);
    if (r == 0)
        r = interfaces_reserve(&runtime->interfaces, runtime->drivers, settings->n_drivers);
    if (result < 0 || r < 0)
        return result < 0 ? result : r;
    for (size_t i = 0; i < settings->n_drivers; i++) {
        r = driver_load(&runtime->drivers[i], &runtime->config);
        if (r < 0 && result == 0)
            result = r;
    }
    return result;
}

/* The word of the driver in the first runtime of the group; NULL: there is none. */
static uint64_t *group_word(struct trale *first, const char *name)
{
    for (size_t i = 0; first != NULL && i < first->n_started; i++)
        if (strcmp(first->drivers[i].name, name) == 0)
            return &first->hosts[i].own_word;
    return NULL;
}

static int runtime_start_drivers(struct trale *runtime, struct trale *first)
{
    for (size_t i = 0; i < runtime->settings.n_drivers; i++) {
        struct driver *driver = &runtime->drivers[i];
        runtime->hosts[i] = (struct host){.reactor = &runtime->reactor,
                                          .executor = &runtime->executor,
                                          .log = &runtime->log,
                                          .name = driver->name,
                                          .interfaces = &runtime->interfaces,
                                          .group_word = group_word(first, driver->name),
                                          .n_interfaces = runtime->interfaces.n_items};
        driver->host = host_table(&runtime->hosts[i]);
        if (runtime->checks != NULL)
            ledger_open(runtime->checks, &runtime->hosts[i], &driver->host);
        int r = interfaces_check_needs(&runtime->interfaces, driver);
        if (r < 0)
            return r;
        uintptr_t mark = injection_mark(&runtime->executor.injection);
        checks_phase_begins(runtime->checks);
        r = driver_start(driver);
        checks_phase_ends(runtime->checks);
        if (r < 0) {
            observation_end(&runtime->hosts[i].observation);
            executor_forget_since(&runtime->executor, mark);
            return r;
        }
        runtime->n_started++;
        r = interfaces_add(&runtime->interfaces, driver);
        if (r < 0)
            return r;
    }
    return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void write_errors(void *data, uint32_t level, const char *source, const char *message)
{
    const struct log *log = data;
    if (level == TRALE_LOG_ERROR)
        log->write(log->data, level, source, message);
}

static int runtime_configure(struct trale *runtime, const struct trale_options *options, bool says_errors_only)
{
    const struct log errors = {.write = write_errors, .data = &runtime->log};
    const struct log *log = says_errors_only ? &errors : &runtime->log;
    enum config_origin origin;
    int r = config_load_for(&runtime->config, options, &origin, log);
    if (r < 0)
        return r;
    runtime->state = RUNTIME_CONFIGURED;
    if (options->require_end != 0 && origin != CONFIG_BUILT_IN)
        r = settings_check_end(&runtime->config, log);
    int result = settings_read(&runtime->settings, &runtime->config, log);
    return result < 0 ? result : r;
}

static int runtime_load(struct trale *runtime)
{
    uint32_t threads = runtime->settings.threads;
    int r = reactor_init(&runtime->reactor, threads == 2, &runtime->log);
    if (r < 0)
        return r;
    struct park in_epoll = {reactor_wait, reactor_interrupt, reactor_rest, reactor_n_interrupts, &runtime->reactor};
    struct park on_futex = {futex_park_wait, futex_park_interrupt, NULL, futex_park_n_interrupts, &runtime->futex_park};
    r = executor_init(&runtime->executor, runtime, threads == 0, threads == 2 ? on_futex : in_epoll,
                      runtime_before_wait, runtime);
    if (r < 0) {
        reactor_deinit(&runtime->reactor);
        return r;
    }
    const struct trale_value *limit = &runtime->settings.values[SETTING_WATCHDOG];
    bool measures = runtime->settings.values[SETTING_POLL_TIMES].integer != 0;
    watchdog_init(&runtime->watchdog, measures, (uint64_t)limit->integer, limit->text, &runtime->log);
    runtime->executor.watchdog = &runtime->watchdog;
    runtime->executor.watches_polls = measures || limit->integer > 0;
    if (runtime->settings.values[SETTING_SHUFFLE].integer != 0)
        run_queue_shuffle(&runtime->executor.run_queue, (uint64_t)runtime->settings.values[SETTING_SHUFFLE].integer);
    if (runtime->settings.values[SETTING_CHECKS].integer != 0) {
        runtime->checks = checks_open(&runtime->executor, &runtime->reactor, threads == 0, &runtime->log);
        if (runtime->checks == NULL)
            r = -ENOMEM;
    }
    runtime->fiber_stacks.size = (size_t)runtime->settings.values[SETTING_FIBER_STACK].integer;
    runtime->fiber_stacks.n_kept_max = (uint32_t)runtime->settings.values[SETTING_FIBER_STACKS].integer;
    runtime->state = RUNTIME_LOADED;
    return r < 0 ? r : runtime_open_drivers(runtime);
}

/* Goes as far as it can; runtime->state says how far that is. */
static int runtime_set_up(struct trale *runtime, const struct trale_options *options, struct trale *first)
{
    int r = runtime_configure(runtime, options, first != NULL);
    if (r == 0)
        r = runtime_load(runtime);
    if (r == 0)
        r = runtime_start_drivers(runtime, first);
    if (r == 0)
        r = runtime_start_threads(runtime);
    if (r == 0)
        runtime->state = RUNTIME_RUNNING;
    return r;
}

int runtime_open(struct trale **result, const struct trale_options *caller_options, size_t size, struct trale *first)
{
    struct trale_options options = {0};
    if (caller_options != NULL)
        memcpy(&options, caller_options, size < sizeof options ? size : sizeof options);
    process_watch_forks();
    const struct log log = {.write = options.log != NULL ? options.log : log_to_stderr, .data = options.log_data};
    struct trale *runtime = calloc(1, sizeof *runtime);
    int r = -ENOMEM;
    if (runtime != NULL) {
        runtime->log = refusal_begin(&runtime->refusal, &log);
        runtime->trust = (struct file_trust){options.trusted_uids, options.n_trusted_uids};
        interfaces_init(&runtime->interfaces);
        r = runtime_set_up(runtime, &options, first);
        refusal_end(&runtime->refusal, r);
    }
    if (r == 0) {
        runtime->trust = (struct file_trust){0}; /* lent until here */
        *result = runtime;
        return 0;
    }
    /* For other errors there is a message already. */
    if (r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -ENOSPC)
        log_say(&log, TRALE_LOG_ERROR, "trale", "cannot open a runtime: %s", strerror(-r));
    if (runtime != NULL && runtime->state >= RUNTIME_LOADED) {
        runtime_stop(runtime);
        (void)runtime_end(runtime, NULL);
        (void)runtime_settle(runtime, NULL);
    }
    if (runtime != NULL)
        runtime_deinit(runtime);
    free(runtime);
    return r;
}

int trale_open_sized(struct trale **result, const struct trale_options *options, size_t size)
{
    return runtime_open(result, options, size, NULL);
}

static struct trale *global;
static int global_result;

static void global_open(void)
{
    global_result = trale_open(&global, NULL);
    if (global_result == 0)
        global->is_kept = true;
}

int trale_global(struct trale **runtime)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_open);
    if (global_result < 0)
        return global_result;
    if (!executor_is_ours(&global->executor))
        return -ECHILD;
    *runtime = global;
    return 0;
}

struct fiber_stacks *fiber_stacks_of(struct trale *runtime)
{
    return &runtime->fiber_stacks;
}

struct trale *trale_current(void)
{
    struct executor *executor = executor_on_thread;
    return executor != NULL && executor_is_ours(executor) ? executor->context.runtime : NULL;
}
