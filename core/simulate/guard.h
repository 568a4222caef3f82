/* SPDX-License-Identifier: MIT
 *
 * What the guard (drivers/guard) has found: calls that leave the simulation. */
#ifndef CORE_SIMULATE_GUARD_H
#define CORE_SIMULATE_GUARD_H

#include "core/simulate/place.h"

/* A place in a program that calls a function. */
struct simulate_call {
    bool is_refused;                           /* it ended the run; else it passed */
    char kind[16];                             /* "clock", "entropy", "thread", "socket", "process" */
    char *function, *module, *offset, *symbol; /* the offset of the place in the module; its nearest symbol, or "" */
    char *text;                                /* for people: "gettimeofday, called by main (echo.c:12)" */
};

struct simulate_calls {
    struct simulate_call *items;
    size_t n_items;
};

/* Adds the calls of the latest run that are new. 0 or -ENOMEM. */
int simulate_calls_add(struct simulate_calls *calls, const struct simulate_place *place,
                       const struct simulate_setup *setup);

/* The first call of this kind, NULL: of any kind, that is refused or not; NULL: there is none. */
const struct simulate_call *simulate_calls_find(const struct simulate_calls *calls, const char *kind, bool is_refused);

void simulate_calls_deinit(struct simulate_calls *calls);

#endif
