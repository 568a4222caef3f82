/* SPDX-License-Identifier: MIT
 *
 * The way from clone(2) to execve(2). */
#ifndef PROCESS_PLAN_H
#define PROCESS_PLAN_H

#include <limits.h>

#include <trale/process.h>

/* What a child is to do. It is in memory that the child shares with the program in either case, beside the child's
 * stack. */
struct plan {
    struct trale_process_command command; /* the first `driver` of each fd is the descriptor that it is made of */
    const char *const *environment;
    const char *search;  /* folders separated by ':' in which `path` is looked for; NULL: in none */
    int error;           /* the child's: why it could not execute the program; 0: it did */
    char file[PATH_MAX]; /* a candidate of the search */
};

/* Makes and frees the memory. NULL: there is none. */
struct plan *plan_make(void);
void plan_free(struct plan *plan);

/* Whether the kernel can do what a child does: 0, or a negative errno. */
int plan_check_kernel(void);

/* Makes a child that carries out the plan, and returns when it has executed its program: 0, *pid and *pidfd. Or an
 * error; then there is no child, and *pidfd is -1. */
int plan_run(struct plan *plan, int *pid, int *pidfd);

#endif
