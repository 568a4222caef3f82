/* SPDX-License-Identifier: MIT
 *
 * Several programs in one world. Its memory is a file that each process maps shared, at the same address, so that
 * pointers into it hold in all of them. Only one process runs at a time: the one that has the baton. It hands the baton
 * on when its program is idle, and waits until it comes back. A process that dies gives the baton up: each process
 * holds a lock on a byte of the file, which the kernel releases, and those that wait look for it.
 *
 * No program runs before all have joined. The first one to run is number 1, which makes the world. */
#ifndef SIM_TURN_H
#define SIM_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

/* The first page of the file. Zeroed, no program has joined. */
struct turn_page {
    uint32_t n_joined;
    uint32_t holder;                     /* the number of the program that has the baton; 0: not all have joined */
    uint32_t batons[WORLD_PROGRAMS + 1]; /* by number: 1 when the baton is there; a futex */
};

/* Zeroed, the program is alone in its world. */
struct turn {
    struct turn_page *page; /* NULL: alone */
    struct memory *memory;  /* of the world */
    int fd;
    uint32_t number;
};

/* Joins the world in that file as the program by that number, from 1 to n_programs, waits for the others to join, and
 * for the baton. *dead is what turn_wait returns. 0; -EBUSY: there is a program by that number; -EOWNERDEAD: the first
 * program has died before it made the world; or an error of open(2), ftruncate(2) or mmap(2). */
int turn_join(struct turn *turn, const char *path, uint32_t number, uint32_t n_programs, uint32_t *dead);

/* Gives the baton to another program. */
void turn_give(struct turn *turn, uint32_t number);

/* Waits for the baton. Returns 0; or the number of a program that has died with it: then the caller has it. */
uint32_t turn_wait(struct turn *turn);

/* Unmaps the world. The caller has given the baton away, or no other program is left. */
void turn_leave(struct turn *turn);

#endif
