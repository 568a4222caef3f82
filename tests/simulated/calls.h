/* SPDX-License-Identifier: MIT
 *
 * Calls of functions that leave the simulation, for tests of the guard. */
#ifndef CALLS_H
#define CALLS_H

#include <stdint.h>

struct call {
    const char *name;
    uint64_t (*make)(void); /* returns a number of what the function gave */
};

/* Made directly, by the address that dlsym(3) finds, and in a shared library. An empty name ends each. */
extern const struct call calls_direct[], calls_symbol[], calls_library[];

#endif
