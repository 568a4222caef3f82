/* SPDX-License-Identifier: MIT
 *
 * The lives of the programs of a world: one dies with its host, and is started again with it by the command that runs
 * the programs; and those that serve are stopped when all others have ended. */
#ifndef SIM_LIVES_H
#define SIM_LIVES_H

#include "program.h"
#include "turn.h"

struct lives {
    struct program *program;
    struct turn *turn;
    uint64_t stop_ns; /* how long programs that serve have to end after SIGTERM */
};

/* Reads the option `stop_within`. */
void lives_init(struct lives *lives, struct program *program, struct turn *turn);

/* Programs have died by themselves: bit `number - 1`. */
void lives_bury(const struct lives *lives, uint64_t dead);

/* The host where the program is at home has crashed, for ever or not: all of it is killed. If that is the caller's
 * program, it is out of the world, but still has the baton. */
void lives_crash(const struct lives *lives, uint32_t number, bool is_for_ever);

/* Starts the programs that are `starts`. If the caller's is one of them, this does not return. */
void lives_start(const struct lives *lives);

/* A program has ended. If only programs that serve are left, they get SIGTERM, and are not started again. */
void lives_ended(const struct lives *lives);

/* Whether the program has ended: it is not in the world, and does not come back. */
static inline bool lives_is_over(const struct world_program *program)
{
    return program->is_out && !program->is_down;
}

/* Whether all programs of the world have ended. */
bool lives_are_over(const struct world *world);

#endif
