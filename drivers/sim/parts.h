/* SPDX-License-Identifier: MIT
 *
 * One instance of the driver: the parts of a program in a world. */
#ifndef SIM_PARTS_H
#define SIM_PARTS_H

#include "blocking.h"
#include "cluster.h"
#include "guard.h"
#include "lives.h"
#include "outcome.h"
#include "program.h"
#include "random.h"
#include "replay.h"
#include "signal.h"
#include "stream_table.h"
#include "tasks.h"
#include "timer.h"
#include "turn.h"
#include "udp_table.h"

struct sim {
    struct program program;
    struct timer timer;
    struct entropy entropy;
    struct signal_source signals;
    struct pool pool;
    struct udp udp;
    struct stream stream;
    struct guard guard;
    struct tasks tasks;
    struct cluster cluster;
    struct outcome outcome;
    struct turn turn;
    struct lives lives;
    uint32_t next;         /* the program that gets the baton when this one has left; 0: none */
    struct replay *replay; /* NULL: the world is simulated */
    uint64_t n_busy;       /* rounds since the executor was idle */
};

#endif
