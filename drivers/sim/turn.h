/* SPDX-License-Identifier: MIT
 *
 * Several programs in one world. Its memory is a file that each process maps shared, at the same address, so that
 * pointers into it hold in all of them. Only one process runs at a time: the one that has the baton. It hands the baton
 * on when its program is idle, and waits until it comes back. A process that dies gives the baton up: each process
 * holds a lock on a byte of the file, which the kernel releases, and those that wait look for it.
 *
 * No program runs before all have joined. The first one to run is number 1, which makes the world. A program whose host
 * has crashed is killed, and a new process joins in its place when the host is started again. The file begins with a
 * struct trale_sim_page (<trale/sim_runner.h>). */
#ifndef SIM_TURN_H
#define SIM_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include <trale/sim_runner.h>

#include "world.h"

/* Zeroed, the program is alone in its world. */
struct turn {
    struct trale_sim_page *page; /* NULL: alone */
    struct memory *memory;       /* of the world */
    int fd;
    uint32_t number;
    bool is_again; /* an earlier process of this program was in the world */
};

/* Joins the world in that file as the program by that number, from 1 to n_programs, waits for the others to join, and
 * for the baton. `serves`: the program runs until SIGTERM. *dead is what turn_wait returns. 0; -EBUSY: there is a
 * program by that number; -EEXIST: there was one, in an earlier run; -EOWNERDEAD: the first program has died before it
 * made the world; or an error of open(2), ftruncate(2) or mmap(2). */
int turn_join(struct turn *turn, const char *path, uint32_t number, uint32_t n_programs, bool serves, uint64_t *dead);

/* Gives the baton to another program. */
void turn_give(struct turn *turn, uint32_t number);

/* Waits for the baton. Returns the programs that have died, of which the caller hears first: bit `number - 1`. If the
 * command that runs the programs dies, so does this process. */
uint64_t turn_wait(struct turn *turn);

/* Whether a command runs the programs of the world, and can start them again. */
bool turn_has_runner(const struct turn *turn);

/* The program has crashed: its process does not count any more. */
void turn_doom(struct turn *turn, uint32_t number);

/* Kills the processes of another program that is doomed, and returns when its process is dead. */
void turn_kill(struct turn *turn, uint32_t number, uint64_t now_ns);

/* Starts the program anew, after killing what is left of it, which may be the caller; returns when its new process has
 * joined and waits for the baton. If it is the caller's program, the new process has the baton. -ESRCH: no command runs
 * the programs, and nothing was done; -EOWNERDEAD: the command has died, or could not start it. */
int turn_start(struct turn *turn, uint32_t number, uint64_t now_ns);

/* The program leaves the world: call it before it gives the baton away for the last time. */
void turn_quit(struct turn *turn);

/* Unmaps the world. The caller has given the baton away, or no other program is left. */
void turn_leave(struct turn *turn);

#endif
