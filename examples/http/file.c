/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1 /* syscall(2) */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "request.h"

#define INDEX "index.html"
#define N_OPENS_MAX 64

/* O_NONBLOCK: a FIFO is no file that is served, but it would be waited for. */
static int open_beneath(int folder, const char *path)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd;
    int n = 0;
    /* EAGAIN: a folder was moved meanwhile; or another process has a lease of the file (fcntl(2)), and may keep it. */
    do
        fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++n < N_OPENS_MAX);
    return fd < 0 ? -errno : (int)fd;
}

int http_folder_open(const char *name)
{
    int folder = open(name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (folder < 0)
        return -errno;
    int probe = open_beneath(folder, ".");
    if (probe < 0) {
        close(folder);
        return probe;
    }
    close(probe);
    return folder;
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".htm", "text/html; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/plain; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".gif", "image/gif"},
        {".wasm", "application/wasm"},
        {".pdf", "application/pdf"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

int http_file_open(struct http_file *file, int folder, const char *path)
{
    char name[HTTP_PATH_MAX + sizeof INDEX];
    struct stat status;
    size_t size = strlen(path);
    snprintf(name, sizeof name, "%s%s", path, size == 0 || path[size - 1] == '/' ? INDEX : "");
    int fd = open_beneath(folder, name);
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM || fd == -EAGAIN)
        return 503;
    if (fd < 0)
        return 404;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return 404;
    }
    *file = (struct http_file){
        .fd = fd, .size = (uint64_t)status.st_size, .end = (uint64_t)status.st_size, .type = type_of(name)};
    snprintf(file->tag, sizeof file->tag, "\"%jx-%jx.%lx\"", (uintmax_t)status.st_size,
             (uintmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    return 0;
}
