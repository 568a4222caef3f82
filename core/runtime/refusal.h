/* SPDX-License-Identifier: MIT
 *
 * Why a runtime does not open in a simulation, for `trale simulate`: it must tell a configuration that is wrong from a
 * program that fails. The file of errors (core/base/simulation.h) is there if, and only if, a runtime of the program
 * did not open, and not for lack of memory, files or threads. */
#ifndef CORE_RUNTIME_REFUSAL_H
#define CORE_RUNTIME_REFUSAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/log.h"
#include "core/base/simulation.h"

/* Lies in the runtime, for its log goes through it. */
struct refusal {
    struct log log; /* the application's */
    _Atomic bool is_opening;
};

/* The log that the runtime is to use from now on: in a simulation, one that writes errors into the file as well. */
struct log refusal_begin(struct refusal *refusal, const struct log *log);

/* The runtime has opened, or not: `r` is 0 or the error. */
void refusal_end(struct refusal *refusal, int r);

#endif
