/* SPDX-License-Identifier: MIT
 *
 * What is to be simulated. */
#ifndef CORE_SIMULATE_OPTIONS_H
#define CORE_SIMULATE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum simulate_guard {
    GUARD_VIRTUALISE, /* Time and entropy are the simulation's; threads and sockets are named. */
    GUARD_WARN,       /* All is named, and passes. */
    GUARD_REFUSE,     /* The first call ends the run. */
    GUARD_OFF,        /* There is no guard. */
};

/* A program and its arguments, which end with NULL. */
struct simulate_program {
    char **argv;
    bool serves; /* it runs until SIGTERM, which it gets when all others have ended */
};

struct simulate_options {
    int64_t first_seed, last_seed;
    unsigned n_jobs;
    bool until_all; /* else until the first failure */
    bool once;      /* each seed runs once, and not twice */
    bool shrink;
    bool keep;
    bool json;
    unsigned n_lines;  /* of a failed program's output to show */
    uint64_t limit_ns; /* of real time, for each run */
    enum simulate_guard guard;
    const char *config_path;       /* NULL: the one that the program would use */
    const char *scenario;          /* NULL: drawn from the seed */
    const char *settle;            /* NULL: not demanded */
    const char *events;            /* a file for the events of the run; NULL: none */
    const char *cancel_everywhere; /* the name of a task; NULL: none */
    unsigned cancel_at;            /* only at this await; 0: at each */
    const char **settings;         /* KEY=VALUE, of [driver:sim] */
    size_t n_settings;
    struct simulate_program *programs;
    size_t n_programs;
};

/* The word for it, on the command line and in $TRALE_GUARD. */
const char *simulate_guard_name(enum simulate_guard guard);

#endif
