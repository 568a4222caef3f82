/* SPDX-License-Identifier: MIT
 *
 * The report of a run (<trale/sim_report.h>): in a file that is mapped shared, or in memory that nothing else sees. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdbool.h>

#include <trale/sim_report.h>

/* Maps the report. `path` names the file; NULL: there is none. The program that has made the world begins it anew, with
 * that seed; others join it. 0, or a negative errno. */
int report_open(struct trale_sim_report **report, const char *path, bool is_first, uint64_t seed);

void report_close(struct trale_sim_report *report);

#endif
