/* SPDX-License-Identifier: MIT
 *
 * Files that are read again when they have changed. */
#ifndef RESOLVE_FILE_H
#define RESOLVE_FILE_H

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* What a file is now; all zero if it is not there, or no regular file: the executor would wait for a FIFO. */
static inline struct stat file_look(const char *path)
{
    struct stat file;
    if (stat(path, &file) < 0 || !S_ISREG(file.st_mode))
        memset(&file, 0, sizeof file);
    return file;
}

/* Whether it is the same file, with the same content by its size and its time. */
static inline bool file_equal(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

#endif
