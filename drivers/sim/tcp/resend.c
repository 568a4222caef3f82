/* SPDX-License-Identifier: MIT */
#include "resend.h"

#include <errno.h>

#define SECOND_NS UINT64_C(1000000000)
#define MILLISECOND_NS (SECOND_NS / 1000)

/* Of Linux: TCP_RTO_MIN, TCP_RTO_MAX, and how long the kernel goes on without an answer: the sum of the times of
 * net.ipv4.tcp_syn_retries, tcp_synack_retries, tcp_retries2 and tcp_orphan_retries, from TCP_RTO_MIN on. */
#define RESEND_MIN_NS (200 * MILLISECOND_NS)
#define CONNECTS_FOR_NS (127 * SECOND_NS)
#define ANSWERS_FOR_NS (63 * SECOND_NS)
#define SENDS_FOR_NS (924600 * MILLISECOND_NS)
#define ORPHAN_SENDS_FOR_NS (102200 * MILLISECOND_NS)

uint64_t resend_limit_ns(const struct endpoint *endpoint)
{
    if (endpoint->state == ENDPOINT_ANSWERS)
        return ANSWERS_FOR_NS;
    if (endpoint->options.user_timeout_ms > 0)
        return endpoint->options.user_timeout_ms * MILLISECOND_NS;
    if (endpoint->state == ENDPOINT_CONNECTS)
        return CONNECTS_FOR_NS;
    return endpoint->has_closed ? ORPHAN_SENDS_FOR_NS : SENDS_FOR_NS;
}

uint64_t resend_at_ns(const struct world *world, const struct endpoint *endpoint)
{
    uint64_t at_ns = world->now_ns + endpoint->output.resend_ns;
    uint64_t last_ns = endpoint->output.progress_ns + resend_limit_ns(endpoint);
    return endpoint->options.user_timeout_ms > 0 && last_ns < at_ns ? last_ns : at_ns;
}

void resend_set_time(struct endpoint_output *output)
{
    uint64_t varied_ns = 4 * output->varied_ns > RESEND_MIN_NS ? 4 * output->varied_ns : RESEND_MIN_NS;
    output->resend_ns = output->smoothed_ns + varied_ns;
    if (output->smoothed_ns == 0)
        output->resend_ns = SECOND_NS;
    if (output->resend_ns > RESEND_MAX_NS)
        output->resend_ns = RESEND_MAX_NS;
}

void resend_measure(struct endpoint_output *output, uint64_t took_ns)
{
    took_ns = took_ns > 0 ? took_ns : 1;
    if (output->smoothed_ns == 0) {
        output->smoothed_ns = took_ns;
        output->varied_ns = took_ns / 2;
        return;
    }
    uint64_t smoothed_ns = output->smoothed_ns;
    uint64_t difference_ns = took_ns > smoothed_ns ? took_ns - smoothed_ns : smoothed_ns - took_ns;
    output->varied_ns = (3 * output->varied_ns + difference_ns) / 4;
    output->smoothed_ns = (7 * smoothed_ns + took_ns) / 8;
}

int resend_begin(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    if (world->now_ns - output->progress_ns >= resend_limit_ns(endpoint))
        return -ETIMEDOUT;
    output->n_tries++;
    output->resend_ns = 2 * output->resend_ns < RESEND_MAX_NS ? 2 * output->resend_ns : RESEND_MAX_NS;
    return 0;
}
