/* SPDX-License-Identifier: MIT
 *
 * Layers: drivers that offer an interface over another driver of the same interface, and see every operation on its
 * way. With
 *
 *     [runtime]
 *     drivers = timer, udp, trace
 *
 *     [driver:trace]
 *     path = trace.so
 *     over = timer, udp
 *
 * applications, and drivers after `trace`, get the interfaces of `trace`, which uses those of `timer` and `udp`.
 * Without the layer in `drivers` they get those themselves; no program changes. A second layer over the same drivers
 * is over the first one.
 *
 * WHAT A LAYER OFFERS. Of the `layers` in its description it offers those that a driver in its `over` offers. The
 * `interfaces` are its own: it offers them if no driver before it does, or if one in its `over` does.
 * A driver with `layers` is refused if its section has no `over`.
 *
 * THE LAYER'S TABLE. In start, the layer asks host->interface for each interface that it is over. NULL: it is not over
 * that one, and the runtime does not ask for its own. Otherwise its table has a function of its own for each
 * member that the table below has, and NULL for the others. Each calls the same member of the table below, with the
 * `instance` of that table. Members that came later than the layer are hidden by it, for its table ends before them.
 * What passes through is the same on both sides, for a layer adds nothing to an operation or a socket:
 *   sockets     A layer sets socket->udp to its own table, after the driver below has made the socket. Where a future
 *               makes one, such as an accept (stream.h), the layer does so in its poll, when the future has resolved.
 *   operations  The driver below makes the future, in the same memory; then the layer puts a type of its own over the
 *               future's type, by trale_layer_wrap. So its poll and drop are called, and call those below by
 *               trale_layer_poll and trale_layer_drop. Nothing is allocated for an operation.
 *
 *     static int64_t recv_poll(struct trale_future *future, struct trale_context *context)
 *     {
 *         struct counter *counter = (struct counter *)trale_layer_of(future);
 *         int64_t result = trale_layer_poll(future, context);
 *         counter->n_received += result >= 0;
 *         return result;
 *     }
 *
 *     static void counter_recv(void *instance, struct trale_udp_recv *op)
 *     {
 *         struct counter *counter = (struct counter *)instance;
 *         counter->below->recv(counter->below->interface.instance, op);
 *         trale_layer_wrap(&counter->recvs, &op->future);
 *     }
 *
 * A LAYER WITH STATE. A layer that needs memory for each operation takes it from a pool of its own at the first poll,
 * and gives it back when the operation resolves or is dropped; an operation that was made and never polled holds
 * nothing. The driver below makes the operation as above, so that it belongs to its socket from the beginning. At the
 * first poll the layer copies the operation, which was not polled yet, to its own memory, gives the copy the lower type
 * (trale_layer_lower), and polls it. From then on the application's operation is the layer's, with a type of its own:
 * the driver's part of it may point at that memory.
 *
 * WHAT A LAYER RELIES ON. A driver sets the type of an operation's future in the function that makes it and in its
 * poll, and nowhere else, and reads neither that type nor the table in its own sockets.
 */
#ifndef TRALE_LAYER_H
#define TRALE_LAYER_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

struct trale_layer_kind;

/* A type over one type of the driver below. It never changes, so any thread may read it. */
struct trale_layer_type {
    struct trale_future_type type;         /* with the name of the lower one, for backtraces */
    const struct trale_future_type *lower; /* of the driver below */
    struct trale_layer_kind *kind;
    struct trale_layer_type *next;
};

/* One kind of operation of a layer, in the memory of its instance. The driver below has one type for a kind as a rule;
 * if it has more, each of the others is allocated once. */
struct trale_layer_kind {
    int64_t (*poll)(struct trale_future *future, struct trale_context *context); /* of the layer */
    void (*drop)(struct trale_future *future);
    void *layer; /* what trale_layer_of returns: the instance, or what the layer likes */
    struct trale_layer_type *types;
    struct trale_layer_type first;
    int32_t is_first_used;
    int32_t reserved;
};

/* [start] */
static inline void trale_layer_kind_init(struct trale_layer_kind *kind,
                                         int64_t (*poll)(struct trale_future *future, struct trale_context *context),
                                         void (*drop)(struct trale_future *future), void *layer)
{
    memset(kind, 0, sizeof *kind);
    kind->poll = poll;
    kind->drop = drop;
    kind->layer = layer;
}

/* [stop; or in a start that fails] A zeroed one may be given too. */
static inline void trale_layer_kind_deinit(struct trale_layer_kind *kind)
{
    struct trale_layer_type *type = kind->types;
    while (type != NULL) {
        struct trale_layer_type *next = type->next;
        if (type != &kind->first)
            free(type);
        type = next;
    }
    kind->types = NULL;
}

static inline int64_t trale_layer_refuse_(struct trale_future *future, struct trale_context *context)
{
    (void)future;
    (void)context;
    return -ENOMEM;
}

/* The layer's type over a lower one; NULL: memory is out. */
static inline const struct trale_layer_type *trale_layer_type_over_(struct trale_layer_kind *kind,
                                                                    const struct trale_future_type *lower)
{
    struct trale_layer_type *type = __atomic_load_n(&kind->types, __ATOMIC_ACQUIRE);
    for (; type != NULL; type = type->next)
        if (type->lower == lower)
            return type;
    if (__atomic_exchange_n(&kind->is_first_used, 1, __ATOMIC_ACQ_REL) == 0)
        type = &kind->first;
    else
        type = (struct trale_layer_type *)malloc(sizeof *type);
    if (type == NULL)
        return NULL;
    memset(&type->type, 0, sizeof type->type);
    memcpy(&type->type, lower, lower->size < sizeof type->type ? lower->size : sizeof type->type);
    type->type.size = sizeof type->type;
    type->type.poll = kind->poll;
    type->type.drop = kind->drop;
    type->lower = lower;
    type->kind = kind;
    type->next = __atomic_load_n(&kind->types, __ATOMIC_RELAXED);
    /* Two threads may add a type over the same lower one: either will do. */
    while (!__atomic_compare_exchange_n(&kind->types, &type->next, type, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
    return type;
}

/* Puts the layer's type over that of a future which the driver below has just made. If there is no memory for a type
 * that is needed for the first time, the operation is dropped, and the future resolves to -ENOMEM. [any: where the
 * driver below may be called to make it] */
static inline void trale_layer_wrap(struct trale_layer_kind *kind, struct trale_future *future)
{
    static const struct trale_future_type refused = {sizeof refused, TRALE_ABI, "trale_layer", trale_layer_refuse_,
                                                     NULL};
    const struct trale_layer_type *type = trale_layer_type_over_(kind, future->type);
    if (type == NULL)
        trale_future_drop(future);
    future->type = type != NULL ? &type->type : &refused;
}

/* The kind of a future that a layer has wrapped, and what the layer has set as `layer`. [in its poll and drop, before
 * those below are called] */
static inline struct trale_layer_kind *trale_layer_kind_of(const struct trale_future *future)
{
    return ((const struct trale_layer_type *)(const void *)future->type)->kind;
}
static inline void *trale_layer_of(const struct trale_future *future)
{
    return trale_layer_kind_of(future)->layer;
}

/* Its type of the driver below. [as trale_layer_of] */
static inline const struct trale_future_type *trale_layer_lower(const struct trale_future *future)
{
    return ((const struct trale_layer_type *)(const void *)future->type)->lower;
}

/* Polls the future as the driver below does. If there is no result, the layer's type is over the future again. [in the
 * poll of the layer] */
static inline int64_t trale_layer_poll(struct trale_future *future, struct trale_context *context)
{
    const struct trale_layer_type *type = (const struct trale_layer_type *)(const void *)future->type;
    future->type = type->lower;
    int64_t result = trale_future_poll(future, context);
    if (result != TRALE_PENDING)
        return result;
    if (future->type != type->lower)
        type = trale_layer_type_over_(type->kind, future->type);
    if (type != NULL) {
        future->type = &type->type;
        return TRALE_PENDING;
    }
    trale_future_drop(future);
    return -ENOMEM;
}

/* Drops the future as the driver below does. [in the drop of the layer] */
static inline void trale_layer_drop(struct trale_future *future)
{
    future->type = ((const struct trale_layer_type *)(const void *)future->type)->lower;
    if (future->type->drop != NULL)
        future->type->drop(future);
}

#ifdef __cplusplus
}
#endif

#endif
