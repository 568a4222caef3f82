/* SPDX-License-Identifier: MIT
 *
 * Where events of TCP come in. */
#ifndef SIM_ARRIVAL_H
#define SIM_ARRIVAL_H

#include "segment.h"

/* A segment has come to the end of its link. Takes it over. */
void arrival_segment(struct world *world, struct segment *segment);

/* The timer of an endpoint has come. */
void arrival_timer(struct world *world, struct endpoint *endpoint);

/* Delivers the segments that have not left their hosts, which arrive at once. Call it after whatever may send. */
void arrival_settle(struct world *world);

#endif
