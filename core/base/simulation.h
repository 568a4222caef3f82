/* SPDX-License-Identifier: MIT
 *
 * What a simulated program leaves for `trale simulate` if its runtime does not open: the errors, in a file beside the
 * one that $TRALE_SIMULATION names, whose name has this behind it. Each is a line, "SOURCE<tab>MESSAGE". */
#ifndef CORE_BASE_SIMULATION_H
#define CORE_BASE_SIMULATION_H

#define SIMULATION_ERRORS ".errors"

#endif
