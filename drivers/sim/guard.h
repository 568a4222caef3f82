/* SPDX-License-Identifier: MIT
 *
 * Time and chance for the guard that `trale simulate` has put in front of libc, if it is there. */
#ifndef SIM_GUARD_H
#define SIM_GUARD_H

#include <trale/guard.h>

#include "timer.h"

struct guard {
    struct trale_guard_source source;
    struct program *program;
    struct timer *timer;
    trale_guard_attach_fn *attach; /* NULL: there is no guard, or it has another source */
    uint64_t n_drawn;              /* numbers of 64 bits */
    void (*pass)(void *data, uint64_t ns);
    void *data;
};

/* Attaches it. `pass` lets the time of the world go on while a function blocks. */
void guard_open(struct guard *guard, struct program *program, struct timer *timer,
                void (*pass)(void *data, uint64_t ns), void *data);
void guard_close(struct guard *guard);

#endif
