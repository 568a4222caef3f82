/* SPDX-License-Identifier: MIT
 *
 * The trale.ini of a simulated program. */
#ifndef CORE_SIMULATE_CONFIG_H
#define CORE_SIMULATE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/text.h"

/* What is the same in all runs. */
struct simulate_config {
    struct text runtime; /* the keys of [runtime], but for those that a run adds */
    struct text drivers; /* all other sections; the last is [driver:sim], without the keys that a run adds */
    struct text options; /* the names of the keys that sim takes, as words */
    char *drivers_folder;
};

void simulate_config_deinit(struct simulate_config *config);

/* The keys of one run. Texts that are NULL are left out. */
struct simulate_keys {
    int64_t seed;
    const char *address; /* of the program's host */
    const char *report, *scenario, *scenario_out, *events, *world;
    bool is_own_events;         /* `events` is not the user's */
    bool writes_chains;         /* whether events have async backtraces */
    size_t n_programs, program; /* in `world`: how many there are, and which one it is, from 1 */
    bool serves;                /* likewise: it runs until SIGTERM */
    const char *settle;
    const char *cancel_task;
    int64_t cancel_await;
    uint64_t limit_ns; /* `time_limit`, unless the user has set one; 0: none */
};

/* Writes the trale.ini of one run. */
void simulate_config_write(const struct simulate_config *config, const struct simulate_keys *keys, FILE *file);

/* Whether sim has this key. */
bool simulate_config_has(const struct simulate_config *config, const char *key);

#endif
