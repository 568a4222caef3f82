/* SPDX-License-Identifier: MIT
 *
 * Faults that are drawn from the seed. Which kinds of fault there are in a run, and how strong, is drawn as well: so
 * some runs have many kinds and others one, which finds what an even mixture of everything hides. The faults of a host
 * are planned when it appears in the world: those between it and hosts before it, and its own. They begin and end
 * before `ends_ns`; then it is quiet. */
#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "scenario.h"

struct swarm {
    uint64_t seed;
    uint32_t kinds;   /* that may be drawn: a bit 1 << SCENARIO_ for each */
    uint64_t ends_ns; /* as the times in a scenario, from the beginning of the run */
};

/* The kinds of fault that a swarm draws; the others are for scenarios written by hand. */
#define SWARM_KINDS                                                                                                    \
    (1u << SCENARIO_LOSS | 1u << SCENARIO_DUPLICATE | 1u << SCENARIO_REORDER | 1u << SCENARIO_CORRUPT |                \
     1u << SCENARIO_LATENCY | 1u << SCENARIO_PARTITION | 1u << SCENARIO_CRASH | 1u << SCENARIO_PAUSE |                 \
     1u << SCENARIO_CLOCK | 1u << SCENARIO_RESET)

/* How many hosts a host has faults with at most. */
#define SWARM_PARTNERS 16u

struct swarm_host {
    struct trale_address address; /* with port 0 */
    uint32_t number;              /* in the world */
};

/* Plans for the last of the hosts, which has just appeared, at `now_ns`; calls add(data, entry) for each entry, which
 * begins later than that. `crashes`: the host can be started again. */
void swarm_plan(const struct swarm *swarm, const struct swarm_host *hosts, uint32_t n_hosts, bool crashes,
                uint64_t now_ns, void (*add)(void *data, const struct scenario_entry *entry), void *data);

#endif
