/* SPDX-License-Identifier: MIT
 *
 * `trale view`. */
#ifndef CORE_COMMAND_VIEW_H
#define CORE_COMMAND_VIEW_H

extern const char view_usage[], view_help[];

/* The command line begins with "view". Returns the exit status. */
int command_view(int argc, char **argv);

#endif
