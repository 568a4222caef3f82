/* SPDX-License-Identifier: MIT
 *
 * How connections begin: RFC 9293, 3.5, with the queues that Linux has (listen(2)). */
#ifndef SIM_HANDSHAKE_H
#define SIM_HANDSHAKE_H

#include "input.h"

/* A SYN has reached a host, which has no endpoint of the connection. Takes the segment over. */
void handshake_syn(struct world *world, struct host *host, struct segment *segment);

/* A segment has reached an endpoint that connects, or answers. Takes it over. The endpoint may be freed by it. */
void handshake_segment(struct world *world, struct endpoint *endpoint, struct segment *segment);

#endif
