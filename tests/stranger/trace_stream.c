/* SPDX-License-Identifier: MIT
 *
 * What the layer `trace` has over trale.stream/1. */
#include "tracer.h"

#define PASS(type, member, parameters, arguments)                                                                      \
    static type trace_##member parameters                                                                              \
    {                                                                                                                  \
        const struct trale_stream *below = ((struct tracer *)instance)->stream_below;                                  \
        type result = below->member arguments;                                                                         \
        tracer_call(instance, CALL_stream_##member, result);                                                           \
        return result;                                                                                                 \
    }
STREAM_CALLS(PASS)

#define PASS_OPEN(type, member, parameters, arguments)                                                                 \
    static type trace_##member parameters                                                                              \
    {                                                                                                                  \
        const struct trale_stream *below = ((struct tracer *)instance)->stream_below;                                  \
        type result = below->member arguments;                                                                         \
        if (result == 0)                                                                                               \
            (*socket)->stream = &((struct tracer *)instance)->stream;                                                  \
        tracer_call(instance, CALL_stream_##member, result);                                                           \
        return result;                                                                                                 \
    }
STREAM_OPENS(PASS_OPEN)

#define PASS_CLOSE(member, parameters)                                                                                 \
    static void trace_##member parameters                                                                              \
    {                                                                                                                  \
        const struct trale_stream *below = ((struct tracer *)instance)->stream_below;                                  \
        below->member(STREAM_BELOW, socket);                                                                           \
        tracer_call(instance, CALL_stream_##member, 0);                                                                \
    }
STREAM_CLOSES(PASS_CLOSE)

#define MAKE(member, operation)                                                                                        \
    static void trace_##member(void *instance, operation *op)                                                          \
    {                                                                                                                  \
        struct tracer *tracer = instance;                                                                              \
        tracer->stream_below->member(tracer->stream_below->interface.instance, op);                                    \
        tracer_make(&tracer->stream_##member, &op->future);                                                            \
    }
STREAM_FUTURES(MAKE)

/* The socket with which the future resolves is the layer's from then on. */
#define POLL(member, operation)                                                                                        \
    static int64_t member##_poll(struct trale_future *future, struct trale_context *context)                           \
    {                                                                                                                  \
        struct traced *traced = trale_layer_of(future);                                                                \
        int64_t result = tracer_poll(future, context);                                                                 \
        if (result == 0)                                                                                               \
            ((operation *)(void *)future)->socket->stream = &traced->tracer->stream;                                   \
        return result;                                                                                                 \
    }
STREAM_CONNECTS(POLL)

void tracer_set_stream(struct tracer *tracer)
{
    const struct trale_stream *below = tracer->stream_below;
    if (below == NULL)
        return;
    tracer->stream.interface = (struct trale_interface){sizeof tracer->stream, 1, tracer};
#define SET(member, ...) tracer->stream.member = below->member != NULL ? trace_##member : NULL;
#define SET_CALL(type, member, parameters, arguments) SET(member)
    STREAM_OPENS(SET_CALL)
    STREAM_CALLS(SET_CALL)
    STREAM_CLOSES(SET)
    STREAM_FUTURES(SET)
#define SET_POLL(member, operation) tracer->stream_##member.kind.poll = member##_poll;
    STREAM_CONNECTS(SET_POLL)
}
