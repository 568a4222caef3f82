/* SPDX-License-Identifier: MIT
 *
 * The hosts file (hosts(5)), which is kept in memory. */
#ifndef RESOLVE_HOSTS_H
#define RESOLVE_HOSTS_H

#include <sys/stat.h>

#include "record.h"

struct hosts_entry;

/* All zero but for the path, nothing was read yet. */
struct hosts {
    const char *path;            /* "": none */
    struct stat file;            /* as it was when it was read */
    struct hosts_entry *entries; /* in the order of the file */
    struct hosts_entry **by_name;
    size_t n_entries;
};

/* What a lookup wants of the file: the addresses of a name, or the names of an address. */
struct hosts_search {
    const char *name; /* NULL: those of the address */
    uint32_t kind;
    uint16_t port;
    const struct trale_address *address;
};

/* Appends what the file has: its own order, and nothing twice. The file is read if it has changed since it was read
 * last: one stat(2) says so. A file that cannot be read has nothing, and so has a line that makes no sense. 1: the file
 * has the name or address, be it with addresses of the other family alone; 0; or -EMFILE, -ENFILE or -ENOMEM. */
int hosts_find(struct hosts *hosts, const struct hosts_search *search, struct trale_link *records);

void hosts_deinit(struct hosts *hosts);

#endif
