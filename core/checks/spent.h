/* SPDX-License-Identifier: MIT
 *
 * The type of a future that has returned a result: polling or dropping it is a finding. */
#ifndef CORE_CHECKS_SPENT_H
#define CORE_CHECKS_SPENT_H

#include <stdbool.h>

#include <trale/future.h>

/* Makes the future one that must not be polled. Nothing happens where memory is out. [any] */
void spent_mark(struct trale_future *future);

bool spent_is(const struct trale_future *future);

#endif
