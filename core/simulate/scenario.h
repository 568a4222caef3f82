/* SPDX-License-Identifier: MIT
 *
 * Scenarios as lists of lines, which are faults (drivers/sim/faults/scenario.h has their language): read, written, and
 * each made weaker. */
#ifndef CORE_SIMULATE_SCENARIO_H
#define CORE_SIMULATE_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed, it is empty. */
struct simulate_scenario {
    char **lines; /* without blank lines and comments */
    size_t n_lines;
};

/* 0 or a negative errno; the scenario is freed in any case. */
int simulate_scenario_read(struct simulate_scenario *scenario, const char *path);
int simulate_scenario_write(const struct simulate_scenario *scenario, const char *path);
void simulate_scenario_deinit(struct simulate_scenario *scenario);

/* The line with its `which`-th strength at half: a rate, how long it lasts or delays, how far a clock is set, how many
 * datagrams are dropped. A limit, such as that of the bandwidth, is doubled. NULL: there is no such strength, or it is
 * as weak as it gets, or memory is out. Allocated. */
char *simulate_weaken(const char *line, size_t which);

/* How many strengths the line has. */
size_t simulate_count_strengths(const char *line);

#endif
