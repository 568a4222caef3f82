/* SPDX-License-Identifier: MIT
 *
 * The files that the server has: those of one folder, and none outside of it. */
#ifndef HTTP_FILE_H
#define HTTP_FILE_H

#include <stdint.h>

struct http_file {
    int fd; /* -1: none */
    uint64_t size;
    uint64_t begin, end; /* the part that is sent: at first, all of it */
    char tag[40];        /* ETag: another one when its content is another one */
    const char *type;    /* Content-Type */
};

/* Opens the folder. Returns its fd, or a negative errno; -ENOSYS: the kernel cannot confine paths (openat2(2)). */
int http_folder_open(const char *name);

/* Opens a file of the folder for reading; a path that is "" or ends with '/' is the index.html there. No symbolic link
 * and no ".." leads out of the folder. Returns 0; or the status of the answer, 404 or 503, and *file is untouched. */
int http_file_open(struct http_file *file, int folder, const char *path);

#endif
