/* SPDX-License-Identifier: MIT
 *
 * What one driver holds: fds, waits, tasks, threads; and the host table that writes it down. What the application waits
 * for is in a ledger without a name. */
#ifndef CORE_CHECKS_LEDGER_H
#define CORE_CHECKS_LEDGER_H

#include "core/checks/state.h"

struct ledger {
    struct trale_link node; /* on checks.ledgers */
    struct checks *checks;
    const char *name;        /* of the driver, lent; NULL: the application's */
    struct trale_host plain; /* the host table without checks */
    struct map fds;          /* struct checked_fd by number */
    struct trale_link threads;
    uint64_t n_waits, n_tasks;
};

/* An empty ledger, or NULL: memory is out. */
struct ledger *ledger_new(struct checks *checks, const char *name);

/* Makes the ledger of a driver and replaces its host table by one that checks. `host` is the table's context. Nothing
 * happens where memory is out. */
void ledger_open(struct checks *checks, struct host *host, struct trale_host *table);

/* After the driver has stopped: says what it has left. */
void ledger_report(struct ledger *ledger);

void ledger_close(struct ledger *ledger);

/* "[driver:udp] 2 fds, 1 wait, 0 tasks, 0 threads" */
void ledger_dump(const struct ledger *ledger, void (*write)(void *data, const char *text), void *data);

/* --- waits (wait.c) ----------------------------------------------------------------------------------------------- */

/* reactor_register, reactor_cancel and (fd.c) reactor_forget, with checks. [executor] */
int32_t ledger_register(struct ledger *ledger, struct owner owner, int32_t fd, uint32_t interest,
                        struct trale_wait *wait);
bool ledger_cancel(struct ledger *ledger, struct trale_wait *wait);
void ledger_forget(struct ledger *ledger, int32_t fd);

/* --- fds (fd.c) --------------------------------------------------------------------------------------------------- */

/* A wait for it is about to be registered: in no ledger may the number have another file than before. */
void ledger_fd_used(struct ledger *ledger, int32_t fd);

/* A wait for it was registered. */
void ledger_fd_begins(struct ledger *ledger, int32_t fd);

/* Looks at all of them. */
void ledger_fds_look(struct ledger *ledger);

/* Says which are left, and forgets them. */
void ledger_fds_report(struct ledger *ledger);

#endif
