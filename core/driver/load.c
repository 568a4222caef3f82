/* SPDX-License-Identifier: MIT
 *
 * dlopen(3) takes a path, and the path may by now name another file than the one that was checked: links and folders
 * change, and dlopen replaces $LIB, $ORIGIN and $PLATFORM in it. The path of a descriptor in /proc names the open file
 * itself. Two things are special about it:
 *
 * - While a file is mapped, dlopen takes every equal path for the same file, without opening it. Numbers of descriptors
 *   are used again, so the path must differ from file to file. The kernel reads "//" and "/./" as "/": the bits of the
 *   file's device and inode, which no other file has while this one is mapped, are written as "/" and "/.".
 * - The path becomes the name of the mapping, which dladdr(3), backtraces and debuggers show. So the file's real path
 *   is written over it afterwards; more "/" make it long enough for that. Until then a debugger opens the path as it
 *   is. So it has the numbers of process and thread, because /proc/thread-self would be the debugger's own. */
#include "core/driver/load.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The thread's own folder: /proc/self is empty when the main thread has ended. */
#define DESCRIPTORS "/proc/thread-self/fd"
#define PATH_SIZE (PATH_MAX + 1)

/* Each bit as "/" or "/.", up to the highest 1. */
static char *spell(char *end, uint64_t bits)
{
    for (; bits != 0; bits >>= 1) {
        *end++ = '/';
        if ((bits & 1) != 0)
            *end++ = '.';
    }
    return end;
}

/* The path of the descriptor, as described above, at least as long as `path`. */
static int spell_path(char spelled[PATH_SIZE], int fd, const char *path)
{
    struct stat status;
    char number[16], thread[64];
    ssize_t thread_length = readlink("/proc/thread-self", thread, sizeof thread - 1);
    if (thread_length < 0 || fstat(fd, &status) < 0)
        return -errno;
    thread[thread_length] = '\0'; /* "PID/task/TID" */
    size_t length = strlen(path), number_length = (size_t)snprintf(number, sizeof number, "/%d", fd);
    char *end = spell(stpcpy(stpcpy(spelled, "/proc/"), thread), status.st_dev);
    end = spell(stpcpy(end, "/fd"), status.st_ino);
    while ((size_t)(end - spelled) + number_length < length)
        *end++ = '/';
    strcpy(end, number);
    return 0;
}

/* What the system said, at the end of a message of dlerror: "...: Too many open files". 0: it said nothing. */
static int error_in(const char *message)
{
    size_t length = strlen(message);
    for (int error = 1; error < 134; error++) {
        const char *text = strerror(error);
        size_t text_length = strlen(text);
        if (length > text_length + 2 && strcmp(message + length - text_length, text) == 0 &&
            strncmp(message + length - text_length - 2, ": ", 2) == 0)
            return -error;
    }
    return 0;
}

/* Why the file cannot be mapped, of which dlopen says only that. 0: it can be. */
static int map_error(const struct elf *elf)
{
    void *map = mmap(NULL, elf->end, PROT_READ | PROT_EXEC, MAP_PRIVATE, elf->fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    munmap(map, elf->end);
    return 0;
}

/* Says what dlopen said, with the driver's own name. If it is about another file, that is a library it needs. */
static int explain(const struct elf *elf, const char *message, const char *spelled, const char *path,
                   char reason[FILE_REASON])
{
    const size_t length = strlen(spelled);
    const bool is_own = strncmp(message, spelled, length) == 0;
    int error = error_in(message), unsaid = 0;
    if (error == 0 && is_own)
        error = unsaid = map_error(elf);
    const char *colon = unsaid != 0 ? ": " : "", *text = unsaid != 0 ? strerror(-unsaid) : "";
    if (is_own)
        snprintf(reason, FILE_REASON, "%.400s cannot be loaded%.400s%s%s", path, message + length, colon, text);
    else
        snprintf(reason, FILE_REASON, "%.400s cannot be loaded, for a library that it needs: %.400s", path, message);
    return error != 0 ? error : -ENOEXEC;
}

/* Faults of the system for which dlopen has no clear message. */
static int check_system(const struct elf *elf, const char *path, char reason[FILE_REASON])
{
    struct statfs proc;
    struct statvfs file;
    if (statfs(DESCRIPTORS, &proc) < 0 || proc.f_type != PROC_SUPER_MAGIC) {
        snprintf(reason, FILE_REASON,
                 "%.400s cannot be loaded: drivers are loaded through " DESCRIPTORS ", and /proc is not mounted here",
                 path);
        return -ENOENT;
    }
    if (fstatvfs(elf->fd, &file) == 0 && (file.f_flag & ST_NOEXEC) != 0) {
        snprintf(reason, FILE_REASON, "%.400s cannot be loaded: its file system is mounted noexec", path);
        return -EACCES;
    }
    return 0;
}

int load_file(const struct elf *elf, const char *path, uintptr_t *base, char reason[FILE_REASON])
{
    char spelled[PATH_SIZE];
    int r = check_system(elf, path, reason);
    if (r < 0)
        return r;
    r = spell_path(spelled, elf->fd, path);
    if (r < 0) {
        snprintf(reason, FILE_REASON, "%.400s: %s", path, strerror(-r));
        return r;
    }
    dlerror();
    void *handle = dlopen(spelled, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == NULL) {
        const char *message = dlerror();
        return explain(elf, message != NULL ? message : spelled, spelled, path, reason);
    }
    struct link_map *map;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0 || (uintptr_t)map->l_ld != map->l_addr + elf->dynamic_address) {
        snprintf(reason, FILE_REASON, "%.400s cannot be loaded: another file was mapped instead", path);
        r = -ENOEXEC;
    } else {
        *base = map->l_addr;
        if (strcmp(map->l_name, spelled) == 0)
            strcpy(map->l_name, path);
    }
    dlclose(handle); /* The file stays mapped: RTLD_NODELETE. */
    return r;
}

size_t load_count_clashes(const struct elf *elf, const char **first)
{
    size_t n = 0, position = 0;
    for (const char *name; (name = elf_next_exposed(elf, &position)) != NULL;)
        if (dlsym(RTLD_DEFAULT, name) != NULL && n++ == 0)
            *first = name;
    return n;
}
