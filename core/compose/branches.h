/* SPDX-License-Identifier: MIT */
#ifndef CORE_COMPOSE_BRANCHES_H
#define CORE_COMPOSE_BRANCHES_H

#include <trale/trale.h>

/* The branches of a race or a trale_all; NULL for any other future. */
const struct trale_branches *branches_look(const struct trale_future *future);

#endif
