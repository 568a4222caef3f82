/* SPDX-License-Identifier: MIT
 *
 * The host table: the runtime as a driver sees it. */
#ifndef CORE_DRIVER_HOST_H
#define CORE_DRIVER_HOST_H

#include <trale/driver.h>

#include "core/executor/executor.h"
#include "core/base/log.h"
#include "core/driver/observe.h"
#include "core/driver/registry.h"
#include "core/reactor/reactor.h"

/* One driver's view; it stays where it is until the driver has stopped. */
struct host {
    struct reactor *reactor;
    struct executor *executor;
    const struct log *log;
    const char *name; /* of the driver, in its messages */
    struct interfaces *interfaces;
    size_t n_interfaces;   /* those of the drivers started before */
    struct ledger *ledger; /* with [runtime] checks = yes (checks/ledger.h); else NULL */
    struct observation observation;
    uint64_t *group_word; /* that of the first runtime of the group; NULL: `own_word` */
    uint64_t own_word;
};

/* The table, with `host` as its context. */
struct trale_host host_table(struct host *host);

#endif
