/* SPDX-License-Identifier: MIT
 *
 * Files of random bytes: /dev/random and /dev/urandom. The guard opens a file in memory in their place, which has more
 * bytes than programs read: 1 MB. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"

#define HERE __builtin_return_address(0)
#define FILE_SIZE (1u << 20)

static bool is_random(const char *path)
{
    return path != NULL && (strcmp(path, "/dev/urandom") == 0 || strcmp(path, "/dev/random") == 0);
}

/* Whether the guard opens this file itself. */
static bool takes(const char *function, const char *path, const void *place)
{
    return is_random(path) && guard_call(GUARD_ENTROPY, function, place, true) == GUARD_ANSWER;
}

static int open_memory(int flags)
{
    char bytes[2048];
    int fd = memfd_create("random", (flags & O_CLOEXEC) != 0 ? MFD_CLOEXEC : 0);
    for (size_t at = 0; fd >= 0 && at < FILE_SIZE; at += sizeof bytes) {
        guard_random(bytes, sizeof bytes);
        if (write(fd, bytes, sizeof bytes) < (ssize_t)sizeof bytes) {
            close(fd);
            errno = EIO;
            return -1;
        }
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Files that are made have a mode, the last argument. */
#define READ_MODE(flags, mode)                                                                                         \
    do {                                                                                                               \
        if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                                  \
            va_list arguments;                                                                                         \
            va_start(arguments, flags);                                                                                \
            mode = va_arg(arguments, unsigned);                                                                        \
            va_end(arguments);                                                                                         \
        }                                                                                                              \
    } while (0)

#define DEFINE_OPEN(name, shown)                                                                                       \
    int guard_##name(const char *path, int flags, ...) GUARD_FOR(name);                                                \
    int guard_##name(const char *path, int flags, ...)                                                                 \
    {                                                                                                                  \
        GUARD_REAL(int(const char *, int, ...), #name);                                                                \
        unsigned mode = 0;                                                                                             \
        READ_MODE(flags, mode);                                                                                        \
        return takes(shown, path, HERE) ? open_memory(flags) : real(path, flags, mode);                                \
    }

#define DEFINE_OPENAT(name, shown)                                                                                     \
    int guard_##name(int folder, const char *path, int flags, ...) GUARD_FOR(name);                                    \
    int guard_##name(int folder, const char *path, int flags, ...)                                                     \
    {                                                                                                                  \
        GUARD_REAL(int(int, const char *, int, ...), #name);                                                           \
        unsigned mode = 0;                                                                                             \
        READ_MODE(flags, mode);                                                                                        \
        return takes(shown, path, HERE) ? open_memory(flags) : real(folder, path, flags, mode);                        \
    }

#define DEFINE_FOPEN(name, shown)                                                                                      \
    FILE *guard_##name(const char *path, const char *mode) GUARD_FOR(name);                                            \
    FILE *guard_##name(const char *path, const char *mode)                                                             \
    {                                                                                                                  \
        GUARD_REAL(FILE *(const char *, const char *), #name);                                                         \
        if (!takes(shown, path, HERE))                                                                                 \
            return real(path, mode);                                                                                   \
        int fd = open_memory(0);                                                                                       \
        return fd >= 0 ? fdopen(fd, mode) : NULL;                                                                      \
    }

DEFINE_OPEN(open, "open")
DEFINE_OPEN(open64, "open")
DEFINE_OPEN(__open_2, "open") /* of programs that are compiled with _FORTIFY_SOURCE */
DEFINE_OPEN(__open64_2, "open")
DEFINE_OPENAT(openat, "openat")
DEFINE_OPENAT(openat64, "openat")
DEFINE_OPENAT(__openat_2, "openat")
DEFINE_OPENAT(__openat64_2, "openat")
DEFINE_FOPEN(fopen, "fopen")
DEFINE_FOPEN(fopen64, "fopen")
