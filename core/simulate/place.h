/* SPDX-License-Identifier: MIT
 *
 * Places in which runs take place, one after the other: a folder with the files of the latest run.
 *
 *     trale.ini     of the simulated program
 *     output        what it wrote to stdout and stderr
 *     report        of the driver sim (trale/sim_report.h)
 *     guard         the calls that the guard found, a line each
 *     scenario      the faults, if the run was made for them
 *     events        all events, likewise
 *
 * Of several programs in one world, the second has trale.ini.2, output.2 and guard.2, and so on. `world` is the file
 * that they share. */
#ifndef CORE_SIMULATE_PLACE_H
#define CORE_SIMULATE_PLACE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <trale/sim_report.h>
#include <trale/sim_runner.h>

#include "core/simulate/config.h"
#include "core/simulate/options.h"

/* What the runs of a sweep have in common. */
struct simulate_setup {
    const struct simulate_options *options;
    struct simulate_config config;
    char *folder;       /* of the sweep, which has the folders of the places in it */
    char *guard;        /* the file; NULL: none */
    char **paths;       /* of the programs' files */
    char **environment; /* what all processes get, without what is their own; ends with NULL */
    size_t n_environment;
    int null;         /* /dev/null */
    sigset_t signals; /* what processes block */
    bool fixes_addresses;
    int64_t start_ns; /* the time of day when a world begins */
};

/* What one run is to be. */
struct simulate_plan {
    int64_t seed;
    bool random_addresses; /* not where they always are */
    bool filled_memory;    /* what malloc(3) returns is not zero where it happened to be */
    bool writes_events, writes_scenario;
    bool writes_chains;   /* with the events */
    const char *scenario; /* NULL: that of the options, if there is one */
    int64_t cancel_await; /* with --cancel-everywhere: at which await; 0: at none */
    uint64_t limit_ns;    /* of virtual time, unless the user has set one; 0: none */
};

/* The variables of the environment that a process of its own has. */
enum { VARIABLE_CONFIG, VARIABLE_GUARD, VARIABLE_FILL, VARIABLE_FILL_ASAN, N_VARIABLES };

/* One program of a place. */
struct simulate_process {
    pid_t pid;                 /* 0: it has ended, or none was started */
    int status;                /* as waitpid(2) says */
    unsigned n_restarts;       /* in this run */
    uint64_t begins_ns;        /* when it was started, in virtual time */
    int config, output, guard; /* the files */
    char *config_path, *output_path, *guard_path;
    char *errors_path; /* is there if its runtime did not open (core/base/simulation.h) */
    char *variables[N_VARIABLES];
    char **environment;
};

/* Why the processes of a run were killed. */
enum simulate_kill {
    KILL_NONE,   /* They ended by themselves. */
    KILL_OVER,   /* The report says how the run has ended, and they went on. */
    KILL_LATE,   /* The real time has reached its limit. */
    KILL_OUTPUT, /* The output is larger than SIMULATE_OUTPUT_MAX. */
};
#define SIMULATE_OUTPUT_MAX (INT64_C(256) << 20)

struct simulate_place {
    char *folder;
    char *report_path, *scenario_path, *events_path, *world_path;
    struct simulate_process *processes; /* one for each program */
    int report_file;
    int world;                      /* the file that several programs share; -1: there is none */
    struct trale_sim_page *page;    /* its beginning; NULL: there is none */
    struct trale_sim_report report; /* as it was when it was read */
    struct simulate_plan plan;      /* of the latest run */
    uint64_t deadline_ns;           /* on CLOCK_MONOTONIC, as the next */
    uint64_t over_ns;               /* since when its report says that it has failed; 0: it does not */
    size_t failed;                  /* the first program that failed, or 0 */
    bool has_not_joined;            /* that one has ended, or the time was up, before it was in the world */
    enum simulate_kill kill;
    bool is_busy; /* a run takes place */
};

/* Makes the folder `name` in the folder of the sweep, and the files. 0 or a negative errno; *place is freed by
 * simulate_place_close in any case, which leaves the folder. */
int simulate_place_open(struct simulate_place *place, const struct simulate_setup *setup, const char *name);
void simulate_place_close(struct simulate_place *place, const struct simulate_setup *setup);

/* Writes the files for a run by this plan, and empties the others. 0 or a negative errno. */
int simulate_place_prepare(struct simulate_place *place, const struct simulate_setup *setup,
                           const struct simulate_plan *plan);

/* Sets the variables that the program's next process gets. 0 or -ENOMEM. */
int simulate_place_set_variables(struct simulate_process *process, const struct simulate_setup *setup,
                                 const struct simulate_plan *plan);

/* Reads the report; what is not there is zero. The driver makes the file anew, so it cannot be mapped here. */
void simulate_place_read_report(struct simulate_place *place);

/* Removes a folder and the files in it. */
void simulate_remove_folder(const char *path);

#endif
