/* SPDX-License-Identifier: MIT
 *
 * What one driver holds: fds, waits, tasks, threads; and the host table that writes it down. */
#ifndef CORE_CHECKS_LEDGER_H
#define CORE_CHECKS_LEDGER_H

#include "core/checks/state.h"

struct ledger {
    struct trale_link node; /* on checks.ledgers */
    struct checks *checks;
    const char *name;        /* of the driver, lent */
    struct trale_host plain; /* the host table without checks */
    struct map fds;          /* struct checked_fd by number */
    struct trale_link threads;
    uint64_t n_waits, n_tasks;
};

/* Makes the ledger of a driver and replaces its host table by one that checks. `host` is the table's context. Nothing
 * happens where memory is out. */
void ledger_open(struct checks *checks, struct host *host, struct trale_host *table);

/* After the driver has stopped: says what it has left. */
void ledger_report(struct ledger *ledger);

void ledger_close(struct ledger *ledger);

/* "[driver:udp] 2 fds, 1 wait, 0 tasks, 0 threads" */
void ledger_dump(const struct ledger *ledger, void (*write)(void *data, const char *text), void *data);

/* --- fds (fd.c) --------------------------------------------------------------------------------------------------- */

/* A wait for it is about to be registered by a driver: the number must not have another file than before. */
void ledger_fd_used(struct ledger *ledger, int32_t fd);

/* A wait for it was registered; it was forgotten. */
void ledger_fd_begins(struct ledger *ledger, int32_t fd);
void ledger_fd_ends(struct ledger *ledger, int32_t fd);

/* Looks at all of them. */
void ledger_fds_look(struct ledger *ledger);

/* Says which are left, and forgets them. */
void ledger_fds_report(struct ledger *ledger);

#endif
