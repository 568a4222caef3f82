/* SPDX-License-Identifier: MIT
 *
 * The result of a sweep, for people and as JSON. */
#ifndef CORE_COMMAND_SIMULATE_SHOW_H
#define CORE_COMMAND_SIMULATE_SHOW_H

#include "core/simulate/explain.h"

/* One way to fail: the failure with the lowest seed, explained. */
void simulate_show_failure(const struct simulate_explanation *explanation, const struct simulate_sweep *sweep);

/* The last lines: calls that the guard found, marks that were not reached, and what was done. */
void simulate_show_end(const struct simulate_sweep *sweep, bool is_ok);

/* All of it as one JSON object. */
void simulate_show_json(const struct simulate_sweep *sweep, const struct simulate_explanation *explanations,
                        size_t n_explanations, bool is_ok);

/* What is to be known of a sweep in which no fault of a link could do anything; NULL: it is none. */
const char *simulate_note(const struct simulate_sweep *sweep);

/* The faults of --scenario, of the first 64, that have not begun in any run, or name a host that does not exist. */
void simulate_idle_faults(const struct simulate_sweep *sweep, struct simulate_scenario *idle);

/* Marks count if a sweep went through all its seeds, and had more than one. Returns how many were never reached. */
size_t simulate_count_missed(const struct simulate_sweep *sweep);

#endif
