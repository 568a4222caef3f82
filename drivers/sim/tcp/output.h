/* SPDX-License-Identifier: MIT
 *
 * What an endpoint sends: bytes, as far as the peer's window and the network take them, again if they were lost, and
 * acknowledgements. */
#ifndef SIM_OUTPUT_H
#define SIM_OUTPUT_H

#include "segment.h"

/* Sends what may be sent now, and sets the timer. */
void output_run(struct world *world, struct endpoint *endpoint);

/* Sends an acknowledgement of what has arrived. */
void output_acknowledge(struct world *world, struct endpoint *endpoint);

/* The peer has acknowledged what is before `acknowledged`, and takes bytes up to `window_end`; the segment that says so
 * has nothing else if `is_bare`. */
void output_acknowledged(struct world *world, struct endpoint *endpoint, uint64_t acknowledged, uint64_t window_end,
                         bool is_bare);

/* The timer has come, for a segment or the window. 0, or -ETIMEDOUT: TCP gives up. */
int output_again(struct world *world, struct endpoint *endpoint);

/* The same for bytes that were held back. */
void output_uncork(struct world *world, struct endpoint *endpoint);

/* Whether all was acknowledged, with the end of the stream. */
static inline bool output_has_ended(const struct endpoint *endpoint)
{
    return endpoint->output.ends && endpoint->output.first > endpoint->output.written;
}

#endif
