/* SPDX-License-Identifier: MIT */
#include "output.h"

#include "probe.h"
#include "resend.h"

#define CORK_NS (200 * UINT64_C(1000000))

#define LEAST_THRESHOLD (2 * ENDPOINT_SEGMENT)
#define REPEATS_OF_A_LOSS 3u

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
            endpoint_set_timer(world, endpoint, TIMER_RESEND, resend_at_ns(world, endpoint));
    } else if (output->next < output->written && output->next >= output->window_end) {
        if (endpoint->timer_kind != TIMER_PROBE) {
            output->progress_ns = world->now_ns;
            probe_wait(world, endpoint, TIMER_PROBE, resend_at_ns(world, endpoint));
        }
    } else if (output->next < output->written) {
        if (endpoint->timer_kind != TIMER_CORK)
            endpoint_set_timer(world, endpoint, TIMER_CORK, world->now_ns + CORK_NS);
    } else if (endpoint->timer_kind != TIMER_KEEP_ALIVE && endpoint->timer_kind != TIMER_END) {
        probe_rest(world, endpoint);
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
        resend_measure(output, world->now_ns - output->measured_ns);
        output->measured = 0;
    }
    bytes_discard(&output->queue, ends > begins ? ends - begins : 0);
    output->first = acknowledged;
    if (output->next < acknowledged)
        output->next = acknowledged;
    output->progress_ns = world->now_ns;
    output->n_tries = output->n_repeats = 0;
    resend_set_time(output);
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

int output_again(struct world *world, struct endpoint *endpoint)
{
    struct endpoint_output *output = &endpoint->output;
    bool is_probe = in_flight(output) == 0;
    if (is_probe && probe_is_futile(world, endpoint)) {
        output->progress_ns = world->now_ns;
        probe_wait(world, endpoint, TIMER_PROBE, world->now_ns + RESEND_MAX_NS);
        return 0;
    }
    int r = resend_begin(world, endpoint);
    if (r < 0)
        return r;
    if (is_probe) {
        segment_send(world, endpoint, SEGMENT_ACK | SEGMENT_PROBE, output->first - 1, 0);
        probe_wait(world, endpoint, TIMER_PROBE, resend_at_ns(world, endpoint));
        return 0;
    }
    output->threshold = half_in_flight(output);
    output->congestion = ENDPOINT_SEGMENT;
    output->recovers = false;
    output->n_repeats = 0;
    output->next = send_first(world, endpoint);
    if (output->highest < output->next)
        output->highest = output->next;
    endpoint_set_timer(world, endpoint, TIMER_RESEND, resend_at_ns(world, endpoint));
    return 0;
}

void output_uncork(struct world *world, struct endpoint *endpoint)
{
    bool cork = endpoint->options.cork;
    endpoint->options.cork = false;
    output_run(world, endpoint);
    endpoint->options.cork = cork;
}
