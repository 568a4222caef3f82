/* SPDX-License-Identifier: MIT
 *
 * Trust goes by ownership. A file is believed when nobody but root and the user could have written it, or could put
 * another in its place: so it, and every folder on its real path, must be theirs and closed to others. After that has
 * been found true, only those two could still change it, and the path may be used as well as the descriptor. */
#include "core/config/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Paths in reasons are cut, so that what is wrong still stands behind one of 4096 bytes. */
static int refuse(char reason[FILE_REASON], int error, const char *format, const char *path, const char *detail)
{
    snprintf(reason, FILE_REASON, format, path, detail);
    return error;
}

/* Whether only root and the user can write what `path` names. */
static int check_owner(const struct stat *status, const char *path, char reason[FILE_REASON])
{
    if (status->st_uid != 0 && status->st_uid != geteuid()) {
        snprintf(reason, FILE_REASON, "%.400s belongs to user %u: it must be root's or yours (chown)", path,
                 (unsigned)status->st_uid);
        return -EPERM;
    }
    bool is_open = (status->st_mode & (S_IWGRP | S_IWOTH)) != 0;
    /* In a folder with the sticky bit nobody can remove or rename what is not his: /tmp. */
    if (is_open && !(S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX) != 0)) {
        snprintf(reason, FILE_REASON, "%.400s is writable by others (mode %04o): it must not be (chmod go-w)", path,
                 (unsigned)status->st_mode & 07777);
        return -EPERM;
    }
    return 0;
}

static int check_folders(const char *real_path, char reason[FILE_REASON])
{
    char *folder = strdup(real_path);
    if (folder == NULL)
        return refuse(reason, -ENOMEM, "%.400s: %s", real_path, strerror(ENOMEM));
    int r = 0;
    for (char *slash = strrchr(folder, '/'); r == 0 && slash != NULL; slash = strrchr(folder, '/')) {
        struct stat status;
        slash[slash == folder] = '\0';
        if (stat(folder, &status) < 0)
            r = refuse(reason, -errno, "%.400s: %s", folder, strerror(errno));
        else
            r = check_owner(&status, folder, reason);
        if (slash == folder)
            break;
    }
    free(folder);
    return r;
}

static int check_file(int fd, const char *real_path, char reason[FILE_REASON])
{
    struct stat status, named;
    if (fstat(fd, &status) < 0)
        return refuse(reason, -errno, "%.400s: %s", real_path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return refuse(reason, -EISDIR, "%.400s is a folder%s", real_path, "");
    if (!S_ISREG(status.st_mode))
        return refuse(reason, -EINVAL, "%.400s is not a regular file%s", real_path, "");
    if (stat(real_path, &named) < 0 || named.st_dev != status.st_dev || named.st_ino != status.st_ino)
        return refuse(reason, -ESTALE, "%.400s was replaced while it was opened%s", real_path, "");
    return check_owner(&status, real_path, reason);
}

int file_open_trusted(const char *path, char **real_path, char reason[FILE_REASON])
{
    char *resolved = NULL;
    reason[0] = '\0';
    /* O_NONBLOCK: a FIFO is opened, and refused, without waiting for a writer. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse(reason, -errno, "%.400s: %s", path, strerror(errno));
    resolved = realpath(path, NULL);
    int r = resolved != NULL ? check_file(fd, resolved, reason)
                             : refuse(reason, -errno, "%.400s: %s", path, strerror(errno));
    if (r == 0)
        r = check_folders(resolved, reason);
    if (r < 0)
        goto fail;
    *real_path = resolved;
    return fd;
fail:
    free(resolved);
    close(fd);
    return r;
}
