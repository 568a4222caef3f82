/* SPDX-License-Identifier: MIT
 *
 * Processes of simulated programs: started fast, and alike. */
#ifndef CORE_SIMULATE_LAUNCH_H
#define CORE_SIMULATE_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct simulate_launch {
    const char *path; /* of the file; found in $PATH before */
    char **argv, **environment;
    int input, output;       /* descriptors: stdin; stdout and stderr */
    bool random_addresses;   /* whether the kernel may place memory at random */
    const sigset_t *signals; /* the process blocks these */
};

/* Starts a process in a process group of its own, which is killed when the calling thread ends. Returns its id, or a
 * negative errno: -ENOENT, -EACCES, -ENOEXEC, and others of execve(2), -EAGAIN, -ENOMEM. */
pid_t simulate_launch(const struct simulate_launch *launch);

/* Whether this process may turn the randomisation of addresses off, as personality(2) does. */
bool simulate_can_fix_addresses(void);

/* Returns the path of the program, as execvp(3) finds it, allocated; or NULL, and sets errno. */
char *simulate_find_program(const char *name);

#endif
