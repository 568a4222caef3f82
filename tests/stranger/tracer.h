/* SPDX-License-Identifier: MIT
 *
 * The layer `trace`, among its own files. */
#ifndef TRACER_H
#define TRACER_H

#include <stdbool.h>

#include <trale/blocking.h>
#include <trale/layer.h>
#include <trale/signal.h>
#include <trale/timer.h>

#include "stream_calls.h"
#include "trace.h"
#include "udp_calls.h"

enum event { EVENT_MADE, EVENT_POLLED, EVENT_RESOLVED, EVENT_FAILED, EVENT_DROPPED, N_EVENTS };

/* Operations of one kind. */
struct traced {
    struct trale_layer_kind kind;
    struct tracer *tracer;
    const char *name;
    _Atomic int64_t counts[N_EVENTS];
};

enum call {
    CALL_now,
    CALL_now_on,
    CALL_reset,
    CALL_taken,
    CALL_close,
#define CALL(type, member, parameters, arguments) CALL_##member,
    UDP_OPENS(CALL) UDP_CALLS(CALL)
#undef CALL
#define CALL(type, member, parameters, arguments) CALL_stream_##member,
#define CLOSE(member, parameters) CALL_stream_##member,
        STREAM_OPENS(CALL) STREAM_CALLS(CALL) STREAM_CLOSES(CLOSE)
#undef CALL
#undef CLOSE
            N_CALLS
};

struct tracer {
    struct trale_host host;
    bool logs;
    struct trace table;
    const struct trace *below;
    _Atomic int64_t calls[N_CALLS];
    /* For each interface: the layer's table and that of the driver below, NULL if the layer is not over that one. */
    struct trale_timer timer;
    struct trale_udp udp;
    struct trale_stream stream;
    struct trale_signals signals;
    struct trale_pool pool;
    const struct trale_timer *timer_below;
    const struct trale_udp *udp_below;
    const struct trale_stream *stream_below;
    const struct trale_signals *signals_below;
    const struct trale_pool *pool_below;
    struct traced sleep, signal, blocking;
#define TRACED(member, operation) struct traced member;
    UDP_FUTURES(TRACED)
#undef TRACED
#define TRACED(member, operation) struct traced stream_##member;
    STREAM_FUTURES(TRACED)
#undef TRACED
};

/* The driver below has made the operation: counts it, and puts the layer's type over it. [executor] */
void tracer_make(struct traced *traced, struct trale_future *future);

/* The poll of all operations: that of the driver below, counted. [executor] */
int64_t tracer_poll(struct trale_future *future, struct trale_context *context);

/* Counts a call. [any] */
void tracer_call(struct tracer *tracer, enum call call, int64_t result);

/* Set `udp` and `stream`, if there is a table below. [start] */
void tracer_set_udp(struct tracer *tracer);
void tracer_set_stream(struct tracer *tracer);

#endif
