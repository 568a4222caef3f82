/* SPDX-License-Identifier: MIT
 *
 * The sockets that a service manager has opened for this process, which says in the environment how many there are,
 * from fd 3 on, and their names (sd_listen_fds(3)): for the drivers that make sockets of them.
 *
 * The flag FD_CLOEXEC tells which of them were taken: an inherited fd came through execve(2) and so has it clear; a
 * driver that takes one sets it. */
#ifndef DRIVERS_INHERITED_H
#define DRIVERS_INHERITED_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INHERITED_FIRST_FD 3

/* Reads a number of nothing but digits. 0, or -EINVAL. */
static inline int inherited_number(const char *text, long maximum, long *number)
{
    if (text[0] < '0' || text[0] > '9' || text[strspn(text, "0123456789")] != '\0')
        return -EINVAL;
    errno = 0;
    long value = strtol(text, NULL, 10);
    if (errno != 0 || value > maximum)
        return -EINVAL;
    *number = value;
    return 0;
}

/* Counts the fds that this process has inherited. 0, -EINVAL, or -ENOENT: none. */
static inline int inherited_count(long *n_fds)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    long number;
    if (pid == NULL || fds == NULL)
        return -ENOENT;
    if (inherited_number(pid, INT_MAX, &number) < 0 || inherited_number(fds, INT_MAX - INHERITED_FIRST_FD, n_fds) < 0)
        return -EINVAL;
    return number == getpid() && *n_fds > 0 ? 0 : -ENOENT; /* else they are another process's */
}

static inline bool inherited_is_taken(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags < 0 || (flags & FD_CLOEXEC) != 0;
}

/* The first fd of that name that was not taken yet. The list of names has colons between them, and may be shorter than
 * that of the fds. -ENOENT: no fd has the name; -EBUSY: all that have it were taken. */
static inline int inherited_by_name(const char *names, long n_fds, const char *name)
{
    size_t length = strlen(name);
    int r = -ENOENT;
    for (int i = 0; names != NULL && i < n_fds; i++) {
        size_t n = strcspn(names, ":");
        if (n == length && memcmp(names, name, length) == 0) {
            if (!inherited_is_taken(INHERITED_FIRST_FD + i))
                return INHERITED_FIRST_FD + i;
            r = -EBUSY;
        }
        names = names[n] == ':' ? names + n + 1 : NULL;
    }
    return r;
}

/* The fd of that name; if no fd has it, that of that number. */
static inline int inherited_find(const char *name)
{
    long n_fds, number;
    int r = inherited_count(&n_fds);
    if (r < 0)
        return r;
    r = inherited_by_name(getenv("LISTEN_FDNAMES"), n_fds, name);
    if (r != -ENOENT || inherited_number(name, n_fds - 1, &number) < 0)
        return r;
    return inherited_is_taken(INHERITED_FIRST_FD + (int)number) ? -EBUSY : INHERITED_FIRST_FD + (int)number;
}

#endif
