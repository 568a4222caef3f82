/* SPDX-License-Identifier: MIT
 *
 * The errors of io_uring have several causes each: EPERM is kernel.io_uring_disabled or a seccomp filter, ENOSYS a
 * filter or a kernel without io_uring, ENOMEM a limit or memory that is short. So the cause is looked for. */
#include "cause.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

/* Below this, receives into buffers that the kernel chooses do not go on and on. */
#define KERNEL_MAJOR 6

/* The number in kernel.io_uring_disabled: 0 where the kernel does not know it. */
static int disabled_get(void)
{
    int number = 0;
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &number) != 1)
        number = 0;
    fclose(file);
    return number;
}

/* Whether the process is in mode 2 of seccomp(2): it has a filter. */
static bool has_filter(void)
{
    char line[256];
    int mode = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Seccomp: %d", &mode) != 1) {
    }
    fclose(file);
    return mode == 2;
}

static bool kernel_is_old(struct utsname *name)
{
    int major = KERNEL_MAJOR;
    return uname(name) == 0 && sscanf(name->release, "%d", &major) == 1 && major < KERNEL_MAJOR;
}

/* Writes the limit, if there is one. */
static bool has_lock_limit(char *text, size_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    snprintf(text, size, "RLIMIT_MEMLOCK is %llu KiB", (unsigned long long)limit.rlim_cur / 1024);
    return true;
}

void cause_find(const char *step, int error, char *text, size_t size)
{
    struct utsname kernel;
    char cause[192] = "", limit[64];
    int disabled = disabled_get();
    bool permitted = error != EPERM && error != EACCES && error != ENOSYS;
    if (!permitted && error != ENOSYS && disabled == 2)
        snprintf(cause, sizeof cause, "kernel.io_uring_disabled is 2: sysctl(8) sets it");
    else if (!permitted && error != ENOSYS && disabled == 1)
        snprintf(cause, sizeof cause,
                 "kernel.io_uring_disabled is 1, and this process is not in the group kernel.io_uring_group");
    else if (!permitted && has_filter())
        snprintf(cause, sizeof cause,
                 "this process has a seccomp filter (/proc/self/status), as containers have: their "
                 "settings must allow io_uring_setup, io_uring_enter and io_uring_register");
    else if (kernel_is_old(&kernel))
        snprintf(cause, sizeof cause, "the kernel is %s, and %d.0 is needed", kernel.release, KERNEL_MAJOR);
    else if (error == ENOSYS)
        snprintf(cause, sizeof cause, "this kernel was built without io_uring");
    else if (error == ENOMEM && has_lock_limit(limit, sizeof limit))
        snprintf(cause, sizeof cause, "%s: raise it", limit);
    snprintf(text, size, "%s: %s%s%s", step, strerror(error), cause[0] != '\0' ? "; " : "", cause);
}
