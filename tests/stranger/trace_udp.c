/* SPDX-License-Identifier: MIT
 *
 * What the layer `trace` has over trale.udp/1. */
#include "tracer.h"

#define PASS(type, member, parameters, arguments)                                                                      \
    static type trace_##member parameters                                                                              \
    {                                                                                                                  \
        const struct trale_udp *below = ((struct tracer *)instance)->udp_below;                                        \
        type result = below->member arguments;                                                                         \
        tracer_call(instance, CALL_##member, result);                                                                  \
        return result;                                                                                                 \
    }
UDP_CALLS(PASS)

#define OPEN(type, member, parameters, arguments)                                                                      \
    static type trace_##member parameters                                                                              \
    {                                                                                                                  \
        struct tracer *tracer = instance;                                                                              \
        const struct trale_udp *below = tracer->udp_below;                                                             \
        type result = below->member arguments;                                                                         \
        if (result == 0)                                                                                               \
            (*socket)->udp = &tracer->udp;                                                                             \
        tracer_call(tracer, CALL_##member, result);                                                                    \
        return result;                                                                                                 \
    }
UDP_OPENS(OPEN)

#define MAKE(member, operation)                                                                                        \
    static void trace_##member(void *instance, operation *op)                                                          \
    {                                                                                                                  \
        struct tracer *tracer = instance;                                                                              \
        tracer->udp_below->member(tracer->udp_below->interface.instance, op);                                          \
        tracer_make(&tracer->member, &op->future);                                                                     \
    }
UDP_FUTURES(MAKE)

static void trace_close(void *instance, struct trale_udp_socket *socket)
{
    struct tracer *tracer = instance;
    tracer->udp_below->close(tracer->udp_below->interface.instance, socket);
    tracer_call(tracer, CALL_close, 0);
}

void tracer_set_udp(struct tracer *tracer)
{
    const struct trale_udp *below = tracer->udp_below;
    if (below == NULL)
        return;
    tracer->udp.interface = (struct trale_interface){sizeof tracer->udp, 1, tracer};
    tracer->udp.close = trace_close;
#define SET(type, member, parameters, arguments) tracer->udp.member = below->member != NULL ? trace_##member : NULL;
    UDP_OPENS(SET)
    UDP_CALLS(SET)
#define SET_FUTURE(member, operation) tracer->udp.member = below->member != NULL ? trace_##member : NULL;
    UDP_FUTURES(SET_FUTURE)
}
