/* SPDX-License-Identifier: MIT
 *
 * Lookups: the futures of trale.resolve/1. */
#ifndef RESOLVE_LOOKUP_H
#define RESOLVE_LOOKUP_H

#include "resolver.h"

/* The functions of the interface. */
void lookup_next(void *instance, struct trale_lookup *lookup);
void lookup_end(void *instance, struct trale_lookup *lookup);

/* Frees the lookups that nothing has ended. [stop] */
void lookup_free_all(struct resolver *resolver);

#endif
