/* SPDX-License-Identifier: MIT
 *
 * Programs whose runtime did not open, because of what the user has configured (core/base/simulation.h): that is no
 * failure of a seed. */
#ifndef CORE_SIMULATE_REFUSAL_H
#define CORE_SIMULATE_REFUSAL_H

#include "core/simulate/place.h"

/* Prints the errors of the latest run on stderr. 0: there are none; or -EINVAL. */
int simulate_check_refusal(const struct simulate_place *place, const struct simulate_setup *setup);

#endif
