/* SPDX-License-Identifier: MIT
 *
 * Trust goes by ownership. A file is trusted when only root and the user could have written it or put it where it is.
 * A check of a path proves nothing about the file that is opened by the same path afterwards, so the walk never uses a
 * path twice: each step opens one name in the folder that was just checked. */
#include "core/config/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_LINKS_MAX 40 /* as path_resolution(7) has it */

struct walk {
    const char *path; /* as the caller gave it */
    const struct file_trust *trust;
    const struct file_report *report;
    int folder;              /* opened with O_PATH */
    bool folder_is_open;     /* Users that are not trusted may write it; it has the sticky bit. */
    int fault;               /* The first fault of an owner or mode, or 0. */
    unsigned n_links;        /* symbolic links followed */
    char real[PATH_MAX];     /* of `folder`; "" for the root */
    char rest[2 * PATH_MAX]; /* what is still to be walked */
    char target[PATH_MAX];   /* of a link */
};

/* Reports one reason. Paths in reasons are cut, so that the text after a path of 4,095 bytes is still there. */
__attribute__((format(printf, 3, 4))) static int refuse(const struct walk *walk, int error, const char *format, ...)
{
    char reason[FILE_REASON];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    walk->report->write(walk->report->data, reason);
    return error;
}

/* Reports that the system refused the step to `name`, which the path or one of its links names. */
static int refuse_step(const struct walk *walk, int error, const char *name)
{
    size_t length = strlen(walk->real);
    bool is_path = strncmp(walk->path, walk->real, length) == 0 && walk->path[length] == '/' &&
                   strcmp(walk->path + length + 1, name) == 0;
    if (is_path)
        return refuse(walk, error, "%.400s: %s", walk->path, strerror(-error));
    return refuse(walk, error, "%.255s: %.255s/%.255s: %s", walk->path, walk->real, name, strerror(-error));
}

/* Checks who can write what is at `path`, a file or folder. A fault is reported and kept; the walk goes on. */
static void check_owner(struct walk *walk, const struct stat *status, const char *path)
{
    const char *fault = owner_fault(status->st_uid, walk->trust);
    if (fault != NULL)
        walk->fault = refuse(walk, -EPERM, "%.400s belongs to user %u%s", path, (unsigned)status->st_uid, fault);
    bool is_open = (status->st_mode & (S_IWGRP | S_IWOTH)) != 0;
    bool is_sticky = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX) != 0;
    if (is_open && !is_sticky)
        walk->fault = refuse(walk, -EPERM, "%.400s is writable by others (mode %04o): it must not be (chmod go-w)",
                             path, (unsigned)status->st_mode & 07777);
    walk->folder_is_open = is_open;
}

/* Appends "/name" to walk->real. */
static int extend_real(struct walk *walk, const char *name)
{
    size_t length = strlen(walk->real);
    if (length + 1 + strlen(name) >= sizeof walk->real)
        return refuse(walk, -ENAMETOOLONG, "%.400s: %s", walk->path, strerror(ENAMETOOLONG));
    sprintf(walk->real + length, "/%s", name);
    return 0;
}

/* Goes into the folder `fd`, which walk->real names already. */
static int enter(struct walk *walk, int fd)
{
    struct stat status;
    if (walk->folder >= 0)
        close(walk->folder);
    walk->folder = fd;
    if (fstat(fd, &status) < 0)
        return refuse(walk, -errno, "%.400s: %s", walk->path, strerror(errno));
    check_owner(walk, &status, walk->real[0] != '\0' ? walk->real : "/");
    return 0;
}

static int enter_root(struct walk *walk)
{
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return refuse(walk, -errno, "/: %s", strerror(errno));
    walk->real[0] = '\0';
    return enter(walk, fd);
}

static int enter_parent(struct walk *walk)
{
    int fd = openat(walk->folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return refuse_step(walk, -errno, "..");
    char *slash = strrchr(walk->real, '/');
    if (slash != NULL)
        *slash = '\0';
    return enter(walk, fd);
}

/* Puts the target of the link `fd` before what is still to be walked. */
static int follow_link(struct walk *walk, int fd, const struct stat *status, const char *name)
{
    if (++walk->n_links > N_LINKS_MAX)
        return refuse_step(walk, -ELOOP, name);
    if (walk->folder_is_open && owner_fault(status->st_uid, walk->trust) != NULL)
        walk->fault = refuse(walk, -EPERM,
                             "%.400s/%.255s is a link of user %u in a folder that others may write: it must be "
                             "root's or yours (chown -h)",
                             walk->real, name, (unsigned)status->st_uid);
    /* /dev/stdin may lead to a pipe, which has no path. What this finds is refused; it makes nothing trusted. */
    struct stat end;
    if (fstatat(walk->folder, name, &end, 0) == 0 && !S_ISREG(end.st_mode) && !S_ISDIR(end.st_mode))
        return refuse(walk, -EINVAL, "%.400s is not a regular file", walk->path);
    ssize_t length = readlinkat(fd, "", walk->target, sizeof walk->target);
    if (length < 0)
        return refuse_step(walk, -errno, name);
    if ((size_t)length + strlen(walk->rest) >= sizeof walk->rest)
        return refuse_step(walk, -ENAMETOOLONG, name);
    memmove(walk->rest + length, walk->rest, strlen(walk->rest) + 1);
    memcpy(walk->rest, walk->target, (size_t)length);
    return walk->target[0] == '/' ? enter_root(walk) : 0;
}

/* Opens the file at the end of the walk. What the descriptor says of itself is checked, not what the name said. */
static int open_file(struct walk *walk, const char *name)
{
    struct stat status;
    int r = extend_real(walk, name);
    if (r < 0)
        return r;
    /* O_NONBLOCK: if a FIFO has taken the file's place, it is opened without waiting for a writer. */
    int fd = openat(walk->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse(walk, -errno, "%.400s: %s", walk->real, strerror(errno));
    if (fstat(fd, &status) < 0)
        r = refuse(walk, -errno, "%.400s: %s", walk->real, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        r = refuse(walk, -EINVAL, "%.400s is not a regular file", walk->real);
    else
        check_owner(walk, &status, walk->real);
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

/* One step, to `name`, which is no folder. */
static int step_to_file(struct walk *walk, const char *name)
{
    struct stat status;
    int fd = openat(walk->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return refuse_step(walk, -errno, name);
    int r;
    if (fstat(fd, &status) < 0)
        r = refuse_step(walk, -errno, name);
    else if (S_ISLNK(status.st_mode))
        r = follow_link(walk, fd, &status, name);
    else if (walk->rest[0] != '\0')
        r = refuse_step(walk, -ENOTDIR, name);
    else if (!S_ISREG(status.st_mode))
        r = refuse(walk, -EINVAL, "%.400s/%.255s is not a regular file", walk->real, name);
    else
        r = open_file(walk, name);
    close(fd);
    return r;
}

/* One step, to `name` in the folder. Returns 0 (the walk goes on), the fd of the file at its end, or an error. */
static int step(struct walk *walk, const char *name)
{
    if (strcmp(name, "..") == 0)
        return enter_parent(walk);
    int fd = openat(walk->folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR ? step_to_file(walk, name) : refuse_step(walk, -errno, name);
    int r = extend_real(walk, name);
    if (r == 0)
        return enter(walk, fd);
    close(fd);
    return r;
}

/* Takes the first name out of walk->rest; "" if it has none. */
static int next_name(struct walk *walk, char name[NAME_MAX + 1])
{
    const char *rest = walk->rest;
    size_t length;
    do {
        rest += strspn(rest, "/");
        length = strcspn(rest, "/");
        if (length > NAME_MAX)
            return refuse(walk, -ENAMETOOLONG, "%.400s: %s", walk->path, strerror(ENAMETOOLONG));
        memcpy(name, rest, length);
        name[length] = '\0';
        rest += length;
    } while (strcmp(name, ".") == 0);
    memmove(walk->rest, rest, strlen(rest) + 1);
    return 0;
}

/* Walks the path to its end: the fd of a regular file, or an error. */
static int walk_path(struct walk *walk)
{
    char name[NAME_MAX + 1];
    if (walk->path[0] == '\0')
        return refuse(walk, -ENOENT, "'': %s", strerror(ENOENT));
    if (strlen(walk->path) >= PATH_MAX)
        return refuse(walk, -ENAMETOOLONG, "%.400s: %s", walk->path, strerror(ENAMETOOLONG));
    if (walk->path[0] != '/' && getcwd(walk->rest, PATH_MAX) == NULL)
        return refuse(walk, -errno, "%.400s: the current folder: %s", walk->path, strerror(errno));
    sprintf(walk->rest + strlen(walk->rest), "/%s", walk->path);
    int r = enter_root(walk);
    while (r == 0) {
        r = next_name(walk, name);
        if (r == 0 && name[0] == '\0')
            return refuse(walk, -EISDIR, "%.400s is a folder", walk->path);
        if (r == 0)
            r = step(walk, name);
    }
    return r;
}

int file_open_trusted(const char *path, const struct file_trust *trust, char **real_path,
                      const struct file_report *report)
{
    char *real = NULL;
    struct walk *walk = malloc(sizeof *walk);
    if (walk == NULL) {
        report->write(report->data, strerror(ENOMEM));
        return -ENOMEM;
    }
    *walk = (struct walk){.path = path, .trust = trust, .report = report, .folder = -1};
    int fd = walk_path(walk), r = fd < 0 ? fd : walk->fault;
    if (r == 0 && (real = strdup(walk->real)) == NULL)
        r = refuse(walk, -ENOMEM, "%.400s: %s", path, strerror(ENOMEM));
    if (walk->folder >= 0)
        close(walk->folder);
    free(walk);
    if (r == 0) {
        *real_path = real;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return r;
}
