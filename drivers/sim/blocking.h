/* SPDX-License-Identifier: MIT
 *
 * trale.blocking/1 without threads: a function runs inline, between two polls, and its result is there some time later
 * on the world's clock. */
#ifndef SIM_BLOCKING_H
#define SIM_BLOCKING_H

#include <trale/blocking.h>
#include <trale/timer.h>

#include "program.h"

struct pool {
    struct trale_pool table;
    struct program *program;
    uint64_t time_ns;          /* how long a function takes */
    size_t n_running, n_max;   /* functions that run at once, on the world's clock */
    struct trale_link queue;   /* jobs that have not begun */
    struct trale_link running; /* and those that have, in the order in which they end */
};

void pool_init(struct pool *pool, struct program *program, size_t n_threads, uint64_t time_ns);

/* Releases the data of functions whose futures were dropped. */
void pool_deinit(struct pool *pool);

/* When the world's clock must stop for a function that ends; UINT64_MAX: none runs. */
uint64_t pool_next(const struct pool *pool);

/* Wakes the futures of functions that end now. */
void pool_fire(struct pool *pool);

/* Runs the functions whose turn has come. [in before_wait, where no task runs] */
void pool_start(struct pool *pool);

#endif
