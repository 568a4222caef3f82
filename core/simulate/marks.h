/* SPDX-License-Identifier: MIT
 *
 * The names of trale_sometimes: those that programs have, and those that runs have reached. */
#ifndef CORE_SIMULATE_MARKS_H
#define CORE_SIMULATE_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include <trale/sim_report.h>

struct simulate_mark {
    char name[TRALE_SIM_MARK_NAME]; /* cut, as in reports */
    uint64_t n_runs;                /* that have reached it */
};

/* Zeroed, it is empty. */
struct simulate_marks {
    struct simulate_mark *items;
    size_t n_items;
};

/* Adds the names in the section "trale_sometimes" of a program's file. A file that is no ELF file has none. 0 or
 * -ENOMEM. */
int simulate_marks_read(struct simulate_marks *marks, const char *path);

/* Counts the names that a run has reached. */
void simulate_marks_reached(struct simulate_marks *marks, const struct trale_sim_report *report);

void simulate_marks_deinit(struct simulate_marks *marks);

#endif
