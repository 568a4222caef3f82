/* SPDX-License-Identifier: MIT
 *
 * How a connection ends: in both directions, or by a reset. */
#ifndef SIM_ENDING_H
#define SIM_ENDING_H

#include "output.h"

/* The connection has broken off, for that reason, a negative errno; the peer hears nothing of it. An endpoint that no
 * program has is freed. */
void ending_break(struct world *world, struct endpoint *endpoint, int32_t error);

/* The peer has reset it. */
void ending_refused(struct world *world, struct endpoint *endpoint);

/* Frees an endpoint that no program has; the peer hears nothing of it. */
void ending_forget(struct world *world, struct endpoint *endpoint);

/* Resets the connection, and frees the endpoint, which its program has closed. */
void ending_reset(struct world *world, struct endpoint *endpoint);

/* The end of the stream follows what was written. */
void ending_shut(struct world *world, struct endpoint *endpoint);

/* A direction may have ended: an endpoint that its program has closed lingers then, or is freed. */
void ending_look(struct world *world, struct endpoint *endpoint);

#endif
