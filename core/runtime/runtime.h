/* SPDX-License-Identifier: MIT
 *
 * The runtime: all the parts, wired together. */
#ifndef CORE_RUNTIME_RUNTIME_H
#define CORE_RUNTIME_RUNTIME_H

#include "core/driver/driver.h"
#include "core/driver/host.h"
#include "core/driver/registry.h"
#include "core/executor/watchdog.h"
#include "core/fiber/stack.h"
#include "core/config/settings.h"

/* How much of a runtime stands; it is taken down from where it is. */
enum runtime_state {
    RUNTIME_EMPTY,      /* Memory. */
    RUNTIME_CONFIGURED, /* config is read, and settings as far as they are right. */
    RUNTIME_LOADED,     /* All drivers are opened or none was wanted; the reactor and the executor stand. */
    RUNTIME_RUNNING,    /* All drivers are started, and the threads. */
};

struct trale {
    enum runtime_state state;
    bool is_global;
    struct log log;
    struct file_trust trust; /* while it is opened */
    struct config config;
    struct settings settings;
    struct reactor reactor;
    struct executor executor;
    struct watchdog watchdog;
    struct fiber_stacks fiber_stacks;
    struct futex_park futex_park;
    struct driver *drivers; /* settings.n_drivers of each */
    struct host *hosts;
    size_t n_started;
    pthread_t executor_thread;
    pthread_t reactor_thread;
    bool executor_runs, reactor_runs; /* each on a thread of its own */
    _Atomic bool reactor_stopping;
    struct interfaces interfaces;
};

/* Runs a future that stays where it is, and waits for its result; -EDEADLK inside a task of the runtime. `driver`: it
 * does not count in trale_run. */
int64_t runtime_call(struct trale *runtime, struct trale_future *future, bool driver);

/* What trale_run waits in: a task for the executor, but for nobody else. */
extern const struct trale_future_type tasks_emptied_type;

/* Ends the executor's thread, if there is one: nothing is polled any more. trale_close does the rest. */
void runtime_stop_executor(struct trale *runtime);

#endif
