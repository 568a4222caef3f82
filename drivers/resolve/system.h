/* SPDX-License-Identifier: MIT
 *
 * The name servers and the search list, of trale.ini or of the system. */
#ifndef RESOLVE_SYSTEM_H
#define RESOLVE_SYSTEM_H

#include <sys/stat.h>

#include "name.h"
#include "option.h"

struct system {
    struct trale_address *servers; /* one at least */
    size_t n_servers;
    char (*domains)[NAME_SIZE];
    size_t n_domains;
    size_t n_dots; /* names with fewer are looked for in the domains first */
    bool rotates;  /* each lookup begins with another server */

    /* What trale.ini has, and how the file was when it was read. */
    const struct trale_settings *settings;
    struct stat file;
};

/* Reads all of it. 0; or logs what is wrong in trale.ini, and returns -EINVAL; or -ENOMEM. */
int system_init(struct system *system, const struct trale_host *host, const struct trale_settings *settings);

/* Reads the system's part again, if resolv.conf has changed. If that fails, all stays as it was. */
void system_refresh(struct system *system);

void system_deinit(struct system *system);

#endif
