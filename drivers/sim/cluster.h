/* SPDX-License-Identifier: MIT
 *
 * What faults of hosts do to the program that plays them, and trale.sim/1: hosts whose programs are started again after
 * a crash, marks, and success. */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include <trale/sim.h>

#include "lives.h"
#include "tasks.h"
#include "timer.h"

struct cluster {
    struct trale_sim table;
    struct program *program;
    struct tasks *tasks;
    struct timer *timer;
    struct lives *lives;
    struct trale_link members; /* struct trale_sim_host, by their links */
};

void cluster_init(struct cluster *cluster, struct program *program, struct tasks *tasks, struct timer *timer,
                  struct lives *lives);

/* Does what the faults of hosts that have begun or ended since the last call demand. Call it after each step of the
 * world. If the program itself has crashed, it is out of the world afterwards; if it is started again, this does not
 * return. */
void cluster_look(struct cluster *cluster);

#endif
