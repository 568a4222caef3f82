/* SPDX-License-Identifier: MIT
 *
 * The tasks of a program, as the executor reports them (<trale/observer.h>): their polls and wakes are events of the
 * log, and each is on a host. That is the host whose address it has bound first, or else that of the task which has
 * spawned it, or else the program's own one. */
#ifndef SIM_TASKS_H
#define SIM_TASKS_H

#include <trale/observer.h>

#include "host.h"
#include "program.h"
#include "waits.h"

struct task_record {
    const struct trale_task *task; /* NULL: none */
    uint64_t id;
    struct host *host; /* NULL: none yet */
};

/* A hash table by the task. */
struct tasks {
    struct program *program;
    const struct trale_inspector *inspector;
    struct waits waits;
    struct task_record *records;
    size_t n, room;                    /* the room is 0 or a power of two, and at least a quarter of it is free */
    const struct trale_observer *also; /* NULL: none */
    void *also_data;
    bool misses; /* memory was out: some tasks are on no host of their own */
};

/* Begins to observe. 0, -ENOTSUP (the runtime has no observers), or an error of host->observe. */
int tasks_init(struct tasks *tasks, struct program *program);
void tasks_deinit(struct tasks *tasks);

/* The task that runs has bound an address of this host. */
void tasks_bind(struct tasks *tasks, struct host *host);

/* The host of the task that runs becomes another one for what it does and spawns from now on; returns the one before.
 * NULL: none of its own. */
struct host *tasks_enter(struct tasks *tasks, struct host *host);

/* Aborts all tasks of the hosts whose crashes this program has not seen yet, but the one that runs. */
void tasks_abort_crashed(struct tasks *tasks);

#endif
