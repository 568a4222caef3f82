/* SPDX-License-Identifier: MIT
 *
 * Why there is no io_uring. */
#ifndef URING_CAUSE_H
#define URING_CAUSE_H

#include <stddef.h>

/* Looks for the cause of an error that `step` has failed with, and writes it, for people to read. */
void cause_find(const char *step, int error, char *text, size_t size);

#endif
