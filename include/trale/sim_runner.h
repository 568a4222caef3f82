/* SPDX-License-Identifier: MIT
 *
 * What the programs of one world share with the command that runs them: the beginning of the file that [driver:sim]
 * world = FILE names. The command makes the file with `runner` set, and holds a lock on its byte 0 (F_OFD_SETLK in
 * fcntl(2)) for as long as it answers requests; the program with the number N holds one on byte N for as long as it is
 * in the world. Without a command the first program that joins makes the file, and `runner` is 0.
 *
 * A REQUEST is made by the program that has the baton, which then waits: it sets `requested` and `request`, and sends
 * SIGCHLD to the command. The command does what is asked for, sets `request` back, and wakes those that wait for it
 * (futex(2)). */
#ifndef TRALE_SIM_RUNNER_H
#define TRALE_SIM_RUNNER_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRALE_SIM_PROGRAMS 64u /* they have the numbers from 1 on */

/* The life of a program. */
enum trale_sim_life {
    TRALE_SIM_EXPECTED,  /* It has not joined the world. */
    TRALE_SIM_JOINED,    /* It is in the world, or has died in it. */
    TRALE_SIM_LEFT,      /* It has closed its runtime. */
    TRALE_SIM_CRASHED,   /* Its host has crashed. Its process is killed, and how that ends says nothing. */
    TRALE_SIM_RESTARTED, /* Its host is up again. A new process is expected to join. */
};

/* What is asked of the command. */
enum trale_sim_request {
    TRALE_SIM_REQUEST_NONE,
    TRALE_SIM_REQUEST_KILL,  /* Kill the processes of the program `requested`. */
    TRALE_SIM_REQUEST_START, /* The same, and start the program anew. */
};

/* All zero, no program has joined. */
struct trale_sim_page {
    int32_t runner;   /* the process id of the command; 0: there is none */
    uint32_t request; /* enum trale_sim_request; a futex */
    uint32_t requested;
    uint32_t n_joined;                       /* programs, each counted once */
    uint64_t dead;                           /* programs that have died and are not buried yet: bit `number - 1` */
    uint64_t now_ns;                         /* the virtual time when the request was made */
    uint32_t holder;                         /* the number of the program that has the baton; 0: not all have joined */
    uint32_t batons[TRALE_SIM_PROGRAMS + 1]; /* by number: 1: the baton is there; 2: die; a futex */
    uint32_t lives[TRALE_SIM_PROGRAMS + 1];  /* by number: enum trale_sim_life; a futex */
    uint32_t serves[TRALE_SIM_PROGRAMS + 1]; /* by number: its option `serves` */
};

static_assert(sizeof(struct trale_sim_page) == 816, "shared by processes");

#ifdef __cplusplus
}
#endif

#endif
