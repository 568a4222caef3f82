/* SPDX-License-Identifier: MIT
 *
 * How long an endpoint waits for an acknowledgement until it sends again (RFC 6298), and until it gives up. */
#ifndef SIM_RESEND_H
#define SIM_RESEND_H

#include "endpoint.h"

/* The longest time from one attempt to the next: Linux's TCP_RTO_MAX. */
#define RESEND_MAX_NS UINT64_C(120000000000)

/* For how long it may go on without an acknowledgement. */
uint64_t resend_limit_ns(const struct endpoint *endpoint);

/* When the timer comes that waits for an answer. */
uint64_t resend_at_ns(const struct world *world, const struct endpoint *endpoint);

/* Takes in how long a segment took to be acknowledged. */
void resend_measure(struct endpoint_output *output, uint64_t took_ns);

/* Sets the time to wait by what was measured. */
void resend_set_time(struct endpoint_output *output);

/* Another attempt begins, and the time to wait doubles. 0, or -ETIMEDOUT: it has waited long enough. */
int resend_begin(struct world *world, struct endpoint *endpoint);

#endif
