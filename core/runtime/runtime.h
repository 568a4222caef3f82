/* SPDX-License-Identifier: MIT
 *
 * The runtime: all the parts, wired together. */
#ifndef CORE_RUNTIME_RUNTIME_H
#define CORE_RUNTIME_RUNTIME_H

#include "core/checks/checks.h"
#include "core/checks/ledger.h"
#include "core/driver/driver.h"
#include "core/driver/host.h"
#include "core/driver/registry.h"
#include "core/executor/watchdog.h"
#include "core/fiber/stack.h"
#include "core/runtime/refusal.h"
#include "core/config/settings.h"

/* How much of a runtime there is; what there is, runtime_deinit takes down. */
enum runtime_state {
    RUNTIME_EMPTY,      /* Memory. */
    RUNTIME_CONFIGURED, /* `config` is read, and `settings` as far as they are right. */
    RUNTIME_LOADED,     /* The reactor and the executor are there, and the drivers as far as each can be opened. */
    RUNTIME_RUNNING,    /* All drivers and all threads are started. */
};

struct trale {
    enum runtime_state state;
    bool is_kept;         /* the global runtime, and those of a group: trale_close refuses them */
    _Atomic bool closing; /* a call of trale_close or the like is under way */
    struct log log;
    struct refusal refusal;  /* of a simulation */
    struct file_trust trust; /* while it is opened */
    struct config config;
    struct settings settings;
    struct reactor reactor;
    struct executor executor;
    struct watchdog watchdog;
    struct checks *checks; /* NULL: none */
    struct fiber_stacks fiber_stacks;
    struct futex_park futex_park;
    struct driver *drivers; /* settings.n_drivers of each */
    struct host *hosts;
    size_t n_started;
    pthread_t executor_thread;
    pthread_t reactor_thread;
    bool executor_runs, reactor_runs; /* each on a thread of its own */
    _Atomic uint32_t executor_ended;  /* 1: its thread is about to return */
    _Atomic bool reactor_stopping;
    struct interfaces interfaces;
};

/* trale_open_sized. `first` is the first runtime of the group, of the same configuration, in which only errors are
 * reported now; NULL: this is the first one. */
int runtime_open(struct trale **result, const struct trale_options *options, size_t size, struct trale *first);

/* Runs a future that stays where it is, and waits for its result; -EDEADLK where that would wait for this thread.
 * `role`: TASK_COUNTED or TASK_OF_CALL. */
int64_t runtime_call(struct trale *runtime, struct trale_future *future, enum task_role role);

/* Closing, in four steps, so that several runtimes can take each one together. A step that has been done does nothing.
 *
 * runtime_stop has the executor end. runtime_end waits until it has: all tasks are dropped, and those that come are
 * refused. runtime_settle waits until the drivers' threads have ended. What they run may use other drivers and other
 * runtimes, so all settle before the first is taken down. runtime_deinit stops the drivers and frees everything but the
 * runtime's own memory. The waits end at the deadline, if that is not NULL: 0, or -ETIMEDOUT and a message that names
 * what still runs. */
void runtime_stop(struct trale *runtime);
int runtime_end(struct trale *runtime, const struct timespec *deadline);
int runtime_settle(struct trale *runtime, const struct timespec *deadline);
void runtime_deinit(struct trale *runtime);

#endif
