/* SPDX-License-Identifier: MIT
 *
 * The names of signals, as they are written in trale.ini. */
#ifndef SIGNAL_NAMES_H
#define SIGNAL_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Reads names separated by blanks or commas: "TERM", "SIGTERM", "RTMIN+1", "RTMAX-1" or a number. Sets the bit
 * `number - 1` for each in *signals. 0, or -EINVAL with the reason in `why`: there is none, one is no signal, or it
 * cannot be awaited. */
int signal_names_parse(const char *names, uint64_t *signals, char *why, size_t size);

#endif
