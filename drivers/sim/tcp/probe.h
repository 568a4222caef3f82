/* SPDX-License-Identifier: MIT
 *
 * Probes: of an idle connection (SO_KEEPALIVE), and of a closed window. They go on for ever, and nearly all of them
 * change nothing: the peer answers. Such a probe is futile, and is not simulated; and a world in which no other events
 * are left is at its end, so a program that waits for ever is found to hang, although its connections are alive. */
#ifndef SIM_PROBE_H
#define SIM_PROBE_H

#include "endpoint.h"

/* Waits with the next probe until that time. */
void probe_wait(struct world *world, struct endpoint *endpoint, enum endpoint_timer kind, uint64_t at_ns);

/* Whether a probe would be answered now, and tell nothing new: the peer is there, its window is known, and the way to
 * it and back has no faults but a few losses. */
bool probe_is_futile(struct world *world, const struct endpoint *endpoint);

/* Nothing is under way: the timer is that of an idle connection. */
void probe_rest(struct world *world, struct endpoint *endpoint);

/* That timer has come. 0, or -ETIMEDOUT: the peer has answered none of the probes. */
int probe_keep_alive(struct world *world, struct endpoint *endpoint);

#endif
