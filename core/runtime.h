/* SPDX-License-Identifier: MIT
 *
 * The runtime: all the parts, wired together. */
#ifndef TRALE_CORE_RUNTIME_H
#define TRALE_CORE_RUNTIME_H

#include "core/driver.h"
#include "core/host.h"
#include "core/interface.h"
#include "core/settings.h"

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
    struct config config;
    struct settings settings;
    struct reactor reactor;
    struct executor executor;
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

/* Ends the executor's thread, if there is one: nothing is polled any more. trale_close does the rest. */
void runtime_stop_executor(struct trale *runtime);

#endif
