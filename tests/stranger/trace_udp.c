/* SPDX-License-Identifier: MIT
 *
 * What the layer `trace` has over trale.udp/1. */
#include "tracer.h"

#define UDP_LAYER(member) trace_##member
#define UDP_LAYER_BELOW(instance) ((struct tracer *)instance)->udp_below
#define UDP_LAYER_TABLE(instance) &((struct tracer *)instance)->udp
#define UDP_LAYER_CALLED(instance, member, result) tracer_call(instance, CALL_##member, result)
UDP_LAYER_CALLS

#define MAKE(member, operation)                                                                                        \
    static void trace_##member(void *instance, operation *op)                                                          \
    {                                                                                                                  \
        struct tracer *tracer = instance;                                                                              \
        tracer->udp_below->member(tracer->udp_below->interface.instance, op);                                          \
        tracer_make(&tracer->member, &op->future);                                                                     \
    }
UDP_FUTURES(MAKE)

void tracer_set_udp(struct tracer *tracer)
{
    if (tracer->udp_below != NULL)
        UDP_LAYER_SET(&tracer->udp, tracer->udp_below, tracer);
}
