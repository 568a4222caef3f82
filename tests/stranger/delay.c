/* SPDX-License-Identifier: MIT
 *
 * A layer with state for each operation: each receive of one datagram begins with a sleep of the timer below. All else
 * passes through. A receive notices only behind its sleep that its socket was closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trale/layer.h>
#include <trale/timer.h>

#include "udp_calls.h"

enum receive_state {
    RECEIVE_SLEEPING,  /* `sleep` was polled. */
    RECEIVE_RECEIVING, /* `below` was polled. */
};

/* One receive from its first poll to its end. */
struct receive {
    struct receive *next; /* in the pool */
    struct delay *delay;
    enum receive_state state;
    struct trale_sleep sleep;
    struct trale_udp_recv below;
};

struct delay {
    struct trale_udp table;
    const struct trale_udp *udp;
    const struct trale_timer *timer;
    uint64_t delay_ns;
    struct trale_layer_kind recvs;
    struct receive *pool;
};

/* --- the pool ----------------------------------------------------------------------------------------------------- */

static struct receive *receive_get(struct delay *delay)
{
    struct receive *receive = delay->pool;
    if (receive != NULL)
        delay->pool = receive->next;
    else
        receive = malloc(sizeof *receive);
    return receive;
}

static void receive_put(struct receive *receive)
{
    receive->next = receive->delay->pool;
    receive->delay->pool = receive;
}

/* --- receives that were polled ------------------------------------------------------------------------------------ */

/* The driver's part of the application's operation is the layer's: its link leads to the receive. */
static struct receive *receive_of(const struct trale_udp_recv *op)
{
    return (struct receive *)(void *)op->wait.link.next;
}

static int64_t receive_end(struct trale_udp_recv *op, int64_t result)
{
    struct receive *receive = receive_of(op);
    if (result >= 0) {
        op->from = receive->below.from;
        op->length = receive->below.length;
        op->truncated = receive->below.truncated;
    }
    receive_put(receive);
    return result;
}

static int64_t receive_poll(struct trale_future *future, struct trale_context *context)
{
    struct trale_udp_recv *op = (struct trale_udp_recv *)(void *)future;
    struct receive *receive = receive_of(op);
    if (receive->state == RECEIVE_SLEEPING) {
        int64_t slept = trale_future_poll(&receive->sleep.future, context);
        if (slept == TRALE_PENDING)
            return TRALE_PENDING;
        if (slept < 0) {
            trale_future_drop(&receive->below.future);
            return receive_end(op, slept);
        }
        receive->state = RECEIVE_RECEIVING;
    }
    int64_t result = trale_future_poll(&receive->below.future, context);
    return result == TRALE_PENDING ? TRALE_PENDING : receive_end(op, result);
}

static void receive_drop(struct trale_future *future)
{
    struct receive *receive = receive_of((struct trale_udp_recv *)(void *)future);
    if (receive->state == RECEIVE_SLEEPING)
        trale_future_drop(&receive->sleep.future);
    trale_future_drop(&receive->below.future);
    receive_put(receive);
}

/* --- receives that were not polled yet ---------------------------------------------------------------------------- */

static int64_t new_poll(struct trale_future *future, struct trale_context *context)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "delayed_recv", receive_poll, receive_drop};
    struct delay *delay = trale_layer_of(future);
    struct trale_udp_recv *op = (struct trale_udp_recv *)(void *)future;
    void *timer = delay->timer->interface.instance;
    struct receive *receive = receive_get(delay);
    if (receive == NULL) {
        trale_layer_drop(future);
        return -ENOMEM;
    }
    receive->delay = delay;
    receive->state = RECEIVE_SLEEPING;
    receive->below = *op;
    receive->below.future.type = trale_layer_lower(future);
    delay->timer->sleep_until(timer, &receive->sleep, trale_time_add(delay->timer->now(timer), delay->delay_ns));
    op->wait.link.next = (struct trale_link *)(void *)receive;
    op->future.type = &type;
    return receive_poll(future, context);
}

static void new_drop(struct trale_future *future)
{
    trale_layer_drop(future);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define UDP_LAYER(member) delay_##member
#define UDP_LAYER_BELOW(instance) ((struct delay *)instance)->udp
#define UDP_LAYER_TABLE(instance) &((struct delay *)instance)->table
#define UDP_LAYER_CALLED(instance, member, result)
UDP_LAYER_CALLS

/* Operations that the layer does not care for keep the type of the driver below. */
#define MAKE(member, operation)                                                                                        \
    static void delay_##member(void *instance, operation *op)                                                          \
    {                                                                                                                  \
        const struct trale_udp *below = ((struct delay *)instance)->udp;                                               \
        below->member(below->interface.instance, op);                                                                  \
    }
UDP_FUTURES(MAKE)

static void delayed_recv(void *instance, struct trale_udp_recv *op)
{
    delay_recv(instance, op);
    trale_layer_wrap(&((struct delay *)instance)->recvs, &op->future);
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static int32_t delay_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct delay *delay = calloc(1, sizeof *delay);
    if (delay == NULL)
        return -ENOMEM;
    delay->udp = host->interface(host->context, TRALE_UDP_1, sizeof(struct trale_udp));
    delay->timer = host->interface(host->context, TRALE_TIMER_1, sizeof(struct trale_timer));
    if (delay->udp == NULL || delay->timer == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "it is a layer over a driver of trale.udp/1: write over = udp");
        free(delay);
        return -EINVAL;
    }
    delay->delay_ns = (uint64_t)settings->values[0].integer;
    trale_layer_kind_init(&delay->recvs, new_poll, new_drop, delay);
    UDP_LAYER_SET(&delay->table, delay->udp, delay);
    delay->table.recv = delayed_recv;
    *instance = delay;
    return 0;
}

static void delay_stop(void *instance)
{
    struct delay *delay = instance;
    for (struct receive *receive = delay->pool, *next; receive != NULL; receive = next) {
        next = receive->next;
        free(receive);
    }
    trale_layer_kind_deinit(&delay->recvs);
    free(delay);
}

static const struct trale_interface *delay_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.udp/1") == 0 ? &((struct delay *)instance)->table.interface : NULL;
}

static const struct trale_option options[] = {
    {.name = "delay", .type = TRALE_OPTION_DURATION, .default_value = "1ms", .help = "how long a receive sleeps"},
    {.name = NULL},
};

TRALE_DRIVER(.name = "delay", .version = "1.0", .summary = "receives that come late", .layers = TRALE_UDP_1,
             .needs = TRALE_TIMER_1, .options = options, .start = delay_start, .stop = delay_stop,
             .interface = delay_interface);
