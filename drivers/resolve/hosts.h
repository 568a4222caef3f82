/* SPDX-License-Identifier: MIT
 *
 * The hosts file (hosts(5)). */
#ifndef RESOLVE_HOSTS_H
#define RESOLVE_HOSTS_H

#include "record.h"

/* What a lookup wants of the file: the addresses of a name, or the names of an address. */
struct hosts_search {
    const char *name; /* NULL: those of the address */
    uint32_t kind;
    uint16_t port;
    const struct trale_address *address;
};

/* Appends what the file has: its own order, and nothing twice. A file that cannot be read has nothing, and so has a
 * line that makes no sense. 1: the file has the name or address, be it with addresses of the other family alone; 0; or
 * -ENOMEM. */
int hosts_find(const char *path, const struct hosts_search *search, struct trale_link *records);

#endif
