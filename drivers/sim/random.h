/* SPDX-License-Identifier: MIT
 *
 * trale.random/1: bytes that are drawn from the seed. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <trale/random.h>

#include "program.h"

struct entropy {
    struct trale_random table;
    struct program *program;
    uint64_t n_drawn; /* numbers of 64 bits */
};

void entropy_init(struct entropy *entropy, struct program *program);

#endif
