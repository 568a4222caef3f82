/* SPDX-License-Identifier: MIT
 *
 * The instance of the driver. */
#ifndef RESOLVE_RESOLVER_H
#define RESOLVE_RESOLVER_H

#include <trale/random.h>
#include <trale/resolve.h>
#include <trale/timer.h>
#include <trale/udp.h>

#include "hosts.h"
#include "list.h"
#include "system.h"
#include "tcp.h"

struct resolver {
    struct trale_resolver table;
    struct trale_host host;
    const struct trale_timer *timer;
    const struct trale_udp *udp;
    const struct trale_random *random;
    struct system system;
    struct hosts hosts;
    uint64_t timeout_ns;
    uint64_t n_tries;
    struct tcp_task tcp;
    size_t n_lookups;            /* that have asked so far */
    size_t n_turns, n_turns_max; /* queries in flight */
    struct trale_link waiting;   /* turns that are waited for, by their `link` */
    struct trale_link left;      /* turns of queries that were left, by their `link` */
    struct trale_link lookups;   /* by their `link` */
};

#endif
