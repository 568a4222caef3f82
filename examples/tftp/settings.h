/* SPDX-License-Identifier: MIT
 *
 * The settings of the server, from the section [application:tftp_server] of trale.ini. */
#ifndef TFTP_SETTINGS_H
#define TFTP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trale/settings.h>

/* Which files clients may write. */
enum tftp_writes {
    TFTP_WRITES_NONE,
    TFTP_WRITES_PUBLIC, /* those that are there, and that all users may write (o+w) */
    TFTP_WRITES_CREATE, /* and new ones */
    TFTP_WRITES_ALL,    /* and those that are there, and that the server's user may write */
};

struct tftp_settings {
    struct trale_settings *read; /* has the texts */
    const char *address, *folder;
    enum tftp_writes writes;
    uint64_t write_max; /* bytes of a file */
    bool syncs;
    size_t transfers, client_transfers;
    size_t share; /* bytes of memory for each transfer */
    uint32_t blksize_max, windowsize_max, timeout_max;
    uint64_t rate_interval_ns, rate_burst;
    uint64_t timeout_ns, dally_ns, grace_ns;
    uint32_t tries;
    int64_t log_level;
};

/* Reads the settings, or says what is wrong with them. Returns 0, or a negative errno, and *settings is untouched; it
 * is zeroed at first, and what it had before is freed. */
int tftp_settings_read(struct tftp_settings *settings);
void tftp_settings_deinit(struct tftp_settings *settings);

#endif
