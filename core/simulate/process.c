/* SPDX-License-Identifier: MIT */
#include "core/simulate/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/simulate/launch.h"

void simulate_process_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int simulate_process_start(struct simulate_place *place, const struct simulate_setup *setup, size_t number)
{
    struct simulate_process *process = &place->processes[number];
    const struct simulate_launch launch = {.path = setup->paths[number],
                                           .argv = setup->options->programs[number].argv,
                                           .environment = process->environment,
                                           .input = setup->null,
                                           .output = process->output,
                                           .random_addresses = place->plan.random_addresses,
                                           .signals = &setup->signals};
    int r = simulate_launch(&launch);
    if (r < 0) {
        fprintf(stderr, "trale simulate: %s cannot be run: %s\n", setup->paths[number], strerror(-r));
        return r;
    }
    process->pid = r;
    return 0;
}

/* --- what a program has left -------------------------------------------------------------------------------------- */

static void wait_for(pid_t pid, int *status)
{
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
}

/* Whether a process has this variable in its environment. */
static bool has_variable(pid_t pid, const char *variable)
{
    char path[64], *text = NULL;
    size_t size = 0;
    bool is_found = false;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && !is_found && getdelim(&text, &size, '\0', file) > 0)
        is_found = strcmp(text, variable) == 0;
    free(text);
    if (file != NULL)
        fclose(file);
    return is_found;
}

/* Kills the children of this process that have the variable. Returns whether there was one: its own children may be
 * children of this process now. */
static bool kill_strays(const char *variable)
{
    char path[64];
    int pid;
    bool is_found = false;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    while (file != NULL && fscanf(file, "%d", &pid) == 1) {
        if (!has_variable(pid, variable))
            continue;
        kill(pid, SIGKILL);
        wait_for(pid, NULL);
        is_found = true;
    }
    if (file != NULL)
        fclose(file);
    return is_found;
}

/* The first process is waited for last, so that no other one gets its number before its group is killed. */
bool simulate_process_end(struct simulate_process *process)
{
    pid_t group = process->pid;
    process->pid = 0;
    kill(-group, SIGKILL);
    wait_for(group, &process->status);
    while (waitpid(-group, NULL, 0) > 0 || errno == EINTR)
        ;
    bool has_left = false;
    while (kill_strays(process->variables[VARIABLE_CONFIG]))
        has_left = true;
    return has_left;
}

void simulate_process_kill(struct simulate_process *process)
{
    if (process->pid != 0)
        simulate_process_end(process);
}
