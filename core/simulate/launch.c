/* SPDX-License-Identifier: MIT */
#include "core/simulate/launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool simulate_can_fix_addresses(void)
{
    int before = personality(0xffffffff);
    if (before < 0 || personality((unsigned long)before | ADDR_NO_RANDOMIZE) < 0)
        return false;
    personality((unsigned long)before);
    return true;
}

/* In the child, which has the memory of the parent until execve: nothing is written but *error. */
static void become(const struct simulate_launch *launch, pid_t parent, volatile int *error)
{
    const struct rlimit none = {0, 0};
    int before = personality(0xffffffff);
    unsigned long fixed = (unsigned long)before | ADDR_NO_RANDOMIZE;
    if (before >= 0)
        personality(launch->random_addresses ? (unsigned long)before & ~(unsigned long)ADDR_NO_RANDOMIZE : fixed);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &none);
    if (getppid() == parent && dup2(launch->input, STDIN_FILENO) >= 0 && dup2(launch->output, STDOUT_FILENO) >= 0 &&
        dup2(launch->output, STDERR_FILENO) >= 0) {
        sigprocmask(SIG_SETMASK, launch->signals, NULL);
        execve(launch->path, launch->argv, launch->environment);
    }
    *error = errno;
}

/* fork(2) would copy the page tables, which takes longer than all the rest. ThreadSanitizer makes it a fork(2): then
 * this process may go on first, and both put the new one into its group, so that it can be killed. */
pid_t simulate_launch(const struct simulate_launch *launch)
{
    volatile int error = 0;
    pid_t parent = getpid(), pid = vfork();
    if (pid == 0) {
        become(launch, parent, &error);
        _exit(127);
    }
    if (pid < 0)
        return -errno;
    setpgid(pid, pid);
    if (error == 0)
        return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return -error;
}

/* --- the path ----------------------------------------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return false;
    errno = EACCES;
    return S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *simulate_find_program(const char *name)
{
    const char *folders = getenv("PATH");
    if (strchr(name, '/') != NULL)
        return is_program(name) ? strdup(name) : NULL;
    int error = ENOENT;
    for (const char *folder = folders != NULL ? folders : "/bin:/usr/bin"; folder != NULL;) {
        int length = (int)strcspn(folder, ":");
        char *path;
        if (asprintf(&path, "%.*s%s%s", length, folder, length > 0 ? "/" : "", name) < 0)
            return NULL;
        if (is_program(path))
            return path;
        error = errno == EACCES ? EACCES : error;
        free(path);
        folder = folder[length] == ':' ? folder + length + 1 : NULL;
    }
    errno = error;
    return NULL;
}
