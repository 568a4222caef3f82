/* SPDX-License-Identifier: MIT
 *
 * A program in a world, as its own process sees it: what the parts of one instance of the driver share. */
#ifndef SIM_PROGRAM_H
#define SIM_PROGRAM_H

#include <stdbool.h>

#include <trale/driver.h>

#include "log.h"
#include "world.h"

struct program {
    struct trale_host host;
    const struct trale_settings *settings; /* lent until stop */
    struct world *world;
    struct world_program *place; /* of this program in the world */
    uint32_t number;             /* from 1 */
    bool is_first;               /* it has made the world */
    struct log log;
    struct trale_sim_report *report;
    bool knows_limit;  /* that the file of events has reached it was said */
    int list_fd;       /* of `scenario_out`; -1: none */
    struct host *home; /* of tasks that are on no other one */
    struct host *here; /* the host of the task that runs */
    uint64_t n_wakes;  /* and spawns of tasks; a change says that a task is runnable */
};

/* Wakes a task by a waker that the driver keeps. The observer (tasks.c) hears of it and counts it. */
static inline void program_wake(struct program *program, const struct trale_waker *waker)
{
    (void)program;
    waker->table->wake_by_ref(waker);
}

/* What draws of this program are keyed by: another number in each of its lives. */
static inline uint64_t program_key(const struct program *program)
{
    return (uint64_t)program->place->n_restarts << 32 | program->number;
}

/* CLOCK_MONOTONIC, which is also CLOCK_BOOTTIME: no machine of the world is ever suspended. */
static inline uint64_t program_now(const struct program *program)
{
    return program->world->now_ns;
}

#endif
