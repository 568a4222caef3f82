/* SPDX-License-Identifier: MIT
 *
 * What an endpoint of an open connection does with segments that arrive. */
#ifndef SIM_INPUT_H
#define SIM_INPUT_H

#include "ending.h"

/* A segment has arrived. Takes it over. The endpoint may be freed by it. */
void input_segment(struct world *world, struct endpoint *endpoint, struct segment *segment);

/* Announces more of the window, as far as the receive buffer has room. */
void input_open(struct endpoint *endpoint);

/* Takes up to `size` bytes that have arrived, and tells the peer when there is much more room for others. Returns how
 * many. */
uint64_t input_take(struct world *world, struct endpoint *endpoint, void *buf, uint64_t size);

#endif
