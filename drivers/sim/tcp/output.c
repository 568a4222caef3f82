/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>

#include "probe.h"

#define SECOND_NS UINT64_C(1000000000)
#define MILLISECOND_NS (SECOND_NS / 1000)

/* Of Linux: TCP_RTO_MIN, TCP_RTO_MAX, and how long the kernel goes on without an answer: the sum of the times of
 * net.ipv4.tcp_syn_retries, tcp_synack_retries, tcp_retries2 and tcp_orphan_retries, from TCP_RTO_MIN on. */
#define RESEND_MIN_NS (200 * MILLISECOND_NS)
#define RESEND_MAX_NS (120 * SECOND_NS)
#define CONNECTS_FOR_NS (127 * SECOND_NS)
#define ANSWERS_FOR_NS (63 * SECOND_NS)
#define SENDS_FOR_NS (924600 * MILLISECOND_NS)
#define ORPHAN_SENDS_FOR_NS (102200 * MILLISECOND_NS)
#define CORK_NS (200 * MILLISECOND_NS)

#define LEAST_THRESHOLD (2 * ENDPOINT_SEGMENT)
#define REPEATS_OF_A_LOSS 3u

/* --- how long --------------------------------------------------------------------------------------------------- */

/* For how long it may go on without an acknowledgement. */
static uint64_t limit_ns(const struct endpoint *endpoint)
{
    if (endpoint->state == ENDPOINT_ANSWERS)
        return ANSWERS_FOR_NS;
    if (endpoint->options.user_timeout_ms > 0)
        return endpoint->options.user_timeout_ms * MILLISECOND_NS;
    if (endpoint->state == ENDPOINT_CONNECTS)
        return CONNECTS_FOR_NS;
    return endpoint->has_closed ? ORPHAN_SENDS_FOR_NS : SENDS_FOR_NS;
}

/* When the timer comes that waits for an answer. */
static uint64_t resend_at(const struct world *world, const struct endpoint *endpoint)
{
    uint64_t at_ns = world->now_ns + endpoint->output.resend_ns;
    uint64_t last_ns = endpoint->output.progress_ns + limit_ns(endpoint);
    return endpoint->options.user_timeout_ms > 0 && last_ns < at_ns ? last_ns : at_ns;
}

static void set_resend_time(struct endpoint_output *output)
{
    uint64_t varied_ns = 4 * output->varied_ns > RESEND_MIN_NS ? 4 * output->varied_ns : RESEND_MIN_NS;
    output->resend_ns = output->smoothed_ns + varied_ns;
    if (output->smoothed_ns == 0)
        output->resend_ns = SECOND_NS;
    if (output->resend_ns > RESEND_MAX_NS)
        output->resend_ns = RESEND_MAX_NS;
}

/* RFC 6298: the time from a segment to its acknowledgement, smoothed, and how much it varies. */
static void measure(struct endpoint_output *output, uint64_t took_ns)
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

/* --- segments --------------------------------------------------------------------------------------------------- */

static uint64_t in_flight(const struct endpoint_output *output)
{
    return output->next - output->first;
}

/* The number behind all that is to be sent. */
static uint64_t output_end(const struct endpoint_output *output)
{
    return output->written + (output->ends ? 1 : 0);
}

void output_acknowledge(struct world *world, struct endpoint *endpoint)
{
    segment_send(world, endpoint, SEGMENT_ACK, endpoint->output.next, 0);
}

/* Sends what begins at `from`: a SYN, or `size` bytes, with the end of the stream if it is behind them. Returns the
 * number behind it. */
static uint64_t send_from(struct world *world, struct endpoint *endpoint, uint64_t from, uint64_t size)
{
    struct endpoint_output *output = &endpoint->output;
    if (from == 0) {
        bool answers = endpoint->state != ENDPOINT_CONNECTS;
        segment_send(world, endpoint, answers ? SEGMENT_SYN | SEGMENT_ACK : SEGMENT_SYN, 0, 0);
        return 1;
    }
    bool ends = output->ends && from + size == output->written;
    segment_send(world, endpoint, ends ? SEGMENT_ACK | SEGMENT_FIN : SEGMENT_ACK, from, (uint32_t)size);
    return from + size + ends;
}

/* How many bytes a segment may have that begins at `next`; false: none may be sent now. */
static bool may_send(const struct endpoint *endpoint, uint64_t *size)
{
    const struct endpoint_output *output = &endpoint->output;
    uint64_t left = output->written > output->next ? output->written - output->next : 0;
    *size = left < ENDPOINT_SEGMENT ? left : ENDPOINT_SEGMENT;
    if (output->next == 0)
        return true;
    if (output->next >= output_end(output))
        return false;
    if (*size == 0)
        return true; /* the end of the stream alone */
    uint64_t last = output->first + output->congestion;
    last = last < output->window_end ? last : output->window_end;
    uint64_t room = last > output->next ? last - output->next : 0;
    bool is_idle = in_flight(output) == 0;
    if (room < *size) {
        *size = room;
        return room > 0 && is_idle; /* no small segments because the window is small (RFC 9293, 3.8.6.2.1) */
    }
    bool is_small = *size < ENDPOINT_SEGMENT && !output->ends && output->next >= output->highest;
    if (is_small && endpoint->options.cork)
        return false;
    return !is_small || endpoint->options.no_delay || is_idle; /* Nagle's algorithm, RFC 896 */
}

/* Sets the timer for what it waits for. */
static void set_timer(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    if (in_flight(output) > 0) {
        if (endpoint->timer_kind != TIMER_RESEND)
            endpoint_set_timer(world, endpoint, TIMER_RESEND, resend_at(world, endpoint));
    } else if (output->next < output->written && output->next >= output->window_end) {
        if (endpoint->timer_kind != TIMER_PROBE) {
            output->progress_ns = world->now_ns;
            probe_wait(world, endpoint, TIMER_PROBE, resend_at(world, endpoint));
        }
    } else if (output->next < output->written) {
        if (endpoint->timer_kind != TIMER_CORK)
            endpoint_set_timer(world, endpoint, TIMER_CORK, world->now_ns + CORK_NS);
    } else if (endpoint->timer_kind != TIMER_KEEP_ALIVE && endpoint->timer_kind != TIMER_END) {
        output_rest(world, endpoint);
    }
}

void output_run(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    uint64_t size;
    if (endpoint->connection == NULL)
        return;
    while (may_send(endpoint, &size)) {
        if (in_flight(output) == 0)
            output->progress_ns = world->now_ns;
        uint64_t from = output->next;
        output->next = send_from(world, endpoint, from, size);
        if (output->measured == 0 && from >= output->highest) {
            output->measured = output->next;
            output->measured_ns = world->now_ns;
        }
        if (output->next > output->highest)
            output->highest = output->next;
    }
    set_timer(world, endpoint);
}

/* --- acknowledgements --------------------------------------------------------------------------------------------- */

/* Sends the first segment that was not acknowledged once more. Returns the number behind it. */
static uint64_t send_first(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    uint64_t left = output->written > output->first ? output->written - output->first : 0;
    world->report->n_segments_again++;
    output->measured = 0;
    return send_from(world, endpoint, output->first, left < ENDPOINT_SEGMENT ? left : ENDPOINT_SEGMENT);
}

static uint64_t half_in_flight(const struct endpoint_output *output)
{
    uint64_t half = in_flight(output) / 2;
    return half > LEAST_THRESHOLD ? half : LEAST_THRESHOLD;
}

/* More may be in the network: in slow start twice as much in each round, and later a segment more. */
static void widen(struct endpoint_output *output, uint64_t acknowledged)
{
    if (output->congestion < output->threshold)
        output->congestion += acknowledged;
    else
        output->congestion += ENDPOINT_SEGMENT * (uint64_t)ENDPOINT_SEGMENT / output->congestion + 1;
}

static void take_acknowledgement(struct world *world, struct endpoint *endpoint, uint64_t acknowledged)
{
    struct endpoint_output *output = &endpoint->output;
    uint64_t n = acknowledged - output->first, begins = output->first > 0 ? output->first : 1;
    uint64_t ends = acknowledged < output->written ? acknowledged : output->written;
    if (output->measured > 0 && acknowledged >= output->measured) {
        measure(output, world->now_ns - output->measured_ns);
        output->measured = 0;
    }
    bytes_discard(&output->queue, ends > begins ? ends - begins : 0);
    output->first = acknowledged;
    if (output->next < acknowledged)
        output->next = acknowledged;
    output->progress_ns = world->now_ns;
    output->n_tries = output->n_repeats = 0;
    set_resend_time(output);
    endpoint_stop_timer(world, endpoint);
    if (!output->recovers) {
        widen(output, n);
    } else if (acknowledged >= output->recover) {
        output->recovers = false;
        output->congestion = output->threshold;
    } else {
        send_first(world, endpoint); /* one more was lost (RFC 6582) */
    }
    if (output->queue.size <= endpoint->options.send_buffer / 3)
        endpoint_wake(endpoint, ENDPOINT_WRITABLE);
}

static void take_repeat(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    if (++output->n_repeats != REPEATS_OF_A_LOSS || output->recovers)
        return;
    output->threshold = half_in_flight(output);
    output->congestion = output->threshold;
    output->recover = output->next;
    output->recovers = true;
    send_first(world, endpoint);
}

void output_acknowledged(struct world *world, struct endpoint *endpoint, uint64_t acknowledged, uint64_t window_end,
                         bool is_bare)
{
    struct endpoint_output *output = &endpoint->output;
    if (acknowledged > output->highest || acknowledged < output->first)
        return;
    bool opens = window_end > output->window_end;
    if (opens)
        output->window_end = window_end;
    if (endpoint->timer_kind == TIMER_PROBE || endpoint->timer_kind == TIMER_KEEP_ALIVE) {
        output->n_tries = 0;
        output->progress_ns = world->now_ns;
    }
    if (opens && endpoint->timer_kind == TIMER_PROBE)
        endpoint_stop_timer(world, endpoint);
    if (acknowledged > output->first)
        take_acknowledgement(world, endpoint, acknowledged);
    else if (is_bare && !opens && in_flight(output) > 0)
        take_repeat(world, endpoint);
    output_run(world, endpoint);
}

/* --- the timer ---------------------------------------------------------------------------------------------------- */

/* Backs off. -ETIMEDOUT: it has waited long enough. */
static int try_again(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    if (world->now_ns - output->progress_ns >= limit_ns(endpoint))
        return -ETIMEDOUT;
    output->n_tries++;
    output->resend_ns = 2 * output->resend_ns < RESEND_MAX_NS ? 2 * output->resend_ns : RESEND_MAX_NS;
    return 0;
}

int output_again(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    bool is_probe = in_flight(output) == 0;
    if (is_probe && probe_is_futile(world, endpoint)) {
        output->progress_ns = world->now_ns;
        probe_wait(world, endpoint, TIMER_PROBE, world->now_ns + RESEND_MAX_NS);
        return 0;
    }
    int r = try_again(world, endpoint);
    if (r < 0)
        return r;
    if (is_probe) {
        segment_send(world, endpoint, SEGMENT_ACK | SEGMENT_PROBE, output->first - 1, 0);
        probe_wait(world, endpoint, TIMER_PROBE, resend_at(world, endpoint));
        return 0;
    }
    output->threshold = half_in_flight(output);
    output->congestion = ENDPOINT_SEGMENT;
    output->recovers = false;
    output->n_repeats = 0;
    output->next = send_first(world, endpoint);
    if (output->highest < output->next)
        output->highest = output->next;
    endpoint_set_timer(world, endpoint, TIMER_RESEND, resend_at(world, endpoint));
    return 0;
}

void output_uncork(struct world *world, struct endpoint *endpoint)
{
    bool cork = endpoint->options.cork;
    endpoint->options.cork = false;
    output_run(world, endpoint);
    endpoint->options.cork = cork;
}

void output_rest(struct world *world, struct endpoint *endpoint)
{
    const struct endpoint_options *options = &endpoint->options;
    uint64_t idle_at_ns = endpoint->heard_ns + options->keep_idle_s * SECOND_NS;
    if (idle_at_ns <= world->now_ns)
        idle_at_ns = world->now_ns + options->keep_idle_s * SECOND_NS;
    if (options->keep_alive && endpoint->state == ENDPOINT_OPEN)
        probe_wait(world, endpoint, TIMER_KEEP_ALIVE, idle_at_ns);
    else
        endpoint_stop_timer(world, endpoint);
}

int output_keep_alive(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    const struct endpoint_options *options = &endpoint->options;
    bool is_idle = world->now_ns - endpoint->heard_ns >= options->keep_idle_s * SECOND_NS;
    if (!options->keep_alive || !is_idle || probe_is_futile(world, endpoint)) {
        output->n_tries = 0;
        output_rest(world, endpoint);
        return 0;
    }
    bool is_over = output->n_tries >= options->keep_count;
    if (options->user_timeout_ms > 0 && output->n_tries > 0)
        is_over = world->now_ns - endpoint->heard_ns >= limit_ns(endpoint);
    if (is_over)
        return -ETIMEDOUT;
    output->n_tries++;
    segment_send(world, endpoint, SEGMENT_ACK | SEGMENT_PROBE, output->first - 1, 0);
    probe_wait(world, endpoint, TIMER_KEEP_ALIVE, world->now_ns + options->keep_interval_s * SECOND_NS);
    return 0;
}
