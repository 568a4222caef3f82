/* SPDX-License-Identifier: MIT
 *
 * Values on the command line of `trale simulate`: numbers, counts, words and times. What is not one is a message on
 * stderr, which says what was found and what is allowed. */
#ifndef CORE_COMMAND_SIMULATE_VALUE_H
#define CORE_COMMAND_SIMULATE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* Says what is wrong, and where the help is. Returns -1. */
int simulate_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads a number from 0 on; *rest is what follows. False: there is none; nothing is said. */
bool simulate_value_number(const char *text, int64_t *number, const char **rest);

/* The value of the option `name`, a number of `least` to `most`. 0, or -1 after a message. */
int simulate_value_count(unsigned *count, unsigned least, unsigned most, const char *name, const char *text);

/* The index of the word, or -1 after a message. */
int simulate_value_choice(const char *name, const char *text, const char *const *words, int n_words,
                          const char *allowed);

/* A time above 0, in nanoseconds. 0, or -1 after a message. */
int simulate_value_duration(const char *name, const char *text, int64_t *ns);

#endif
