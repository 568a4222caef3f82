/* SPDX-License-Identifier: MIT
 *
 * The driver: trale.udp/1 on the kernel's sockets, which receive and send by io_uring(7). It is made of the files of
 * drivers/udp, and does differently only what transfers; where io_uring is not to be had, it is drivers/udp. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cause.h"
#include "instance.h"
#include "lane.h"
#include "option.h"
#include "receive.h"
#include "send.h"

#define RETRY_NS 1000000u /* after which the kernel is asked again when it could not take all */

enum { OPTION_ENTRIES = N_UDP_OPTIONS, OPTION_BUFFERS, OPTION_FALLBACK, N_OPTIONS };
enum { FALLBACK_UDP, FALLBACK_FAIL };

static const struct trale_option uring_options[] = {
    UDP_OPTIONS,
    [OPTION_ENTRIES] = {.name = "entries",
                        .type = TRALE_OPTION_INTEGER,
                        .minimum = 8,
                        .maximum = 4096,
                        .default_value = "256",
                        .help = "how many operations one system call hands to the kernel"},
    [OPTION_BUFFERS] = {.name = "buffers",
                        .type = TRALE_OPTION_INTEGER,
                        .minimum = 8,
                        .maximum = 32768,
                        .default_value = "512",
                        .help = "buffers for what is received, rounded up to a power of 2; each takes a page or more"},
    [OPTION_FALLBACK] = {.name = "fallback",
                         .type = TRALE_OPTION_CHOICE,
                         .choices = "udp | fail",
                         .default_value = "udp",
                         .help = "without io_uring: udp waits as the driver udp does, fail does not open"},
    [N_OPTIONS] = {.name = NULL},
};

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static void uring_close(void *instance, struct trale_udp_socket *base)
{
    struct uring *uring = instance;
    struct udp_socket *socket = (struct udp_socket *)base;
    struct lane *lane = lane_of(uring, socket);
    if (lane != NULL)
        lane_close(lane); /* the kernel has the socket until it has said that the lane is done */
    send_close(uring, socket);
    udp_close(instance, base);
}

/* A socket that completions do not serve any more has its lane stopped; so has one whose datagrams have more control
 * messages from now on than there is room for, and its next receive begins to receive anew. */
static int32_t uring_set(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t value)
{
    const struct udp_socket *socket = (struct udp_socket *)base;
    struct lane *lane = lane_of(instance, socket);
    int32_t r = udp_option_set(instance, base, option, value);
    if (r == 0 && lane != NULL && (!uring_serves(socket) || !lane_is_wide(lane)))
        lane_stop(lane);
    return r;
}

/* What the lane has received ahead is not received yet for the application. */
static int32_t uring_get(void *instance, struct trale_udp_socket *base, uint32_t option, int64_t *value)
{
    const struct lane *lane = lane_of(instance, (struct udp_socket *)base);
    if (option == TRALE_UDP_RECEIVE_QUEUE && lane != NULL)
        ring_reap(&((struct uring *)instance)->ring);
    int32_t r = udp_option_get(instance, base, option, value);
    if (r == 0 && option == TRALE_UDP_RECEIVE_QUEUE && lane != NULL)
        *value += lane->n_bytes;
    return r;
}

/* --- completions -------------------------------------------------------------------------------------------------- */

static struct uring *uring_of_watcher(struct trale_future *future)
{
    return (struct uring *)(void *)((char *)future - offsetof(struct uring, watcher));
}

static int64_t watcher_poll(struct trale_future *future, struct trale_context *context)
{
    struct uring *uring = uring_of_watcher(future);
    const struct trale_host *host = &uring->udp.host;
    int r;
    host->cancel_wait(host->context, &uring->wait);
    do {
        ring_reap(&uring->ring);
        uring->wait.waker = context->waker;
        r = host->register_waker(host->context, uring->ring.uring.ring_fd, TRALE_READABLE, &uring->wait);
    } while (r == 1);
    if (r < 0)
        host->log(host->context, TRALE_LOG_ERROR, "cannot wait for completions");
    return r < 0 ? r : TRALE_PENDING;
}

static void watcher_drop(struct trale_future *future)
{
    struct uring *uring = uring_of_watcher(future);
    uring->udp.host.cancel_wait(uring->udp.host.context, &uring->wait);
}

static const struct trale_future_type watcher_type = {
    .size = sizeof watcher_type, .abi = TRALE_ABI, .name = "uring_udp", .poll = watcher_poll, .drop = watcher_drop};

/* All that tasks have begun in this turn goes to the kernel at once, and what is done by then is taken. */
static uint64_t uring_before_wait(void *instance, uint32_t idle)
{
    struct uring *uring = instance;
    (void)idle;
    if (!uring->has_ring || ring_turn(&uring->ring) == 0)
        return UINT64_MAX;
    return RETRY_NS;
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static uint32_t power_of_two(int64_t n)
{
    uint32_t power = 1;
    while (power < (uint64_t)n)
        power *= 2;
    return power;
}

/* What the first instance of a group has found out, as the group's word. */
enum { DECISION_OPEN, DECISION_RING, DECISION_UDP };

static void say_without(const struct trale_host *host, uint32_t level, const char *cause, const char *then)
{
    char text[512];
    snprintf(text, sizeof text, "no io_uring: %s; %s", cause, then);
    host->log(host->context, level, text);
}

/* 0: there is a ring, or there is none and trale.ini says what to do without. The first instance of a group decides for
 * all: a later one that gets no ring where the first one has got one fails. */
static int uring_open_ring(struct uring *uring, const struct trale_settings *settings)
{
    const struct trale_host *host = &uring->udp.host;
    uint64_t decision = host->group_word != NULL ? *host->group_word : DECISION_OPEN;
    uint32_t n_entries = (uint32_t)settings->values[OPTION_ENTRIES].integer;
    const char *step;
    char cause[384];
    if (decision == DECISION_UDP)
        return 0;
    int r = buffers_open(&uring->buffers, &uring->ring, n_entries,
                         power_of_two(settings->values[OPTION_BUFFERS].integer), &step);
    uring->has_ring = r == 0;
    if (r < 0)
        cause_find(step, -r, cause, sizeof cause);
    if (r < 0 && settings->values[OPTION_FALLBACK].integer == FALLBACK_FAIL) {
        say_without(host, TRALE_LOG_ERROR, cause, "fallback = udp does without");
        return r;
    }
    if (r < 0 && decision == DECISION_RING) {
        say_without(host, TRALE_LOG_ERROR, cause, "the first runtime of the group has it, and all must be alike");
        return r;
    }
    if (r < 0)
        say_without(host, TRALE_LOG_WARNING, cause, "sockets wait as those of the driver udp");
    if (host->group_word != NULL)
        *host->group_word = r == 0 ? DECISION_RING : DECISION_UDP;
    return 0;
}

static void uring_free(struct uring *uring)
{
    udp_deinit(&uring->udp);
    if (uring->has_ring)
        ring_close(&uring->ring);
    /* Where the kernel has refused to cancel what is in flight, it may write to the buffers once more. */
    if (uring->has_ring && uring->n_in_flight == 0)
        buffers_free(&uring->buffers);
    send_deinit(uring);
    free(uring->lanes);
    free(uring);
}

static int uring_init_ring(struct uring *uring)
{
    struct trale_udp *table = &uring->udp.table;
    const struct trale_host *host = &uring->udp.host;
    table->close = uring_close;
    table->set = uring_set;
    table->get = uring_get;
    table->recv = uring_recv;
    table->recv_batch = uring_recv_batch;
    table->try_recv = uring_try_recv;
    table->try_recv_batch = uring_try_recv_batch;
    table->send = uring_send;
    table->send_batch = uring_send_batch;
    table->try_send = uring_try_send;
    table->try_send_batch = uring_try_send_batch;
    trale_future_init(&uring->watcher, &watcher_type);
    int r = send_init(uring, uring->ring.uring.sq.ring_entries);
    return r < 0 ? r : host->spawn(host->context, &uring->watcher);
}

static int32_t uring_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct uring *uring = calloc(1, sizeof *uring);
    int r = uring == NULL ? -ENOMEM : udp_init(&uring->udp, host, settings);
    bool said = false;
    if (r == 0) {
        r = uring_open_ring(uring, settings);
        said = r < 0;
    }
    if (r == 0 && uring->has_ring)
        r = uring_init_ring(uring);
    if (r == 0) {
        *instance = uring;
        return 0;
    }
    if (!said)
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
    if (uring != NULL)
        uring_free(uring);
    return r;
}

/* --- stopping ----------------------------------------------------------------------------------------------------- */

/* All futures are gone; until the kernel says that it is done, its buffers are not the instance's to free. */
static int32_t uring_settle(void *instance, uint64_t deadline_ns)
{
    struct uring *uring = instance;
    while (uring->has_ring && !uring->ring.refused) {
        lanes_cancel(uring);
        ring_turn(&uring->ring);
        if (uring->n_in_flight == 0)
            return 0;
        int r = ring_wait(&uring->ring, deadline_ns);
        if (r < 0 && uring->n_in_flight > 0) {
            char text[96];
            snprintf(text, sizeof text, "the kernel still has %" PRIu32 " receives", uring->n_in_flight);
            uring->udp.host.log(uring->udp.host.context, TRALE_LOG_WARNING, text);
            return r;
        }
    }
    return 0;
}

static void uring_stop(void *instance)
{
    struct uring *uring = instance;
    const struct trale_host *host = &uring->udp.host;
    if (uring->has_ring)
        host->forget_fd(host->context, uring->ring.uring.ring_fd);
    uring_free(uring);
}

static const struct trale_interface *uring_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.udp/1") == 0 ? &((struct udp *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "uring_udp", .version = TRALE_VERSION,
             .summary = "datagrams, on the kernel's UDP sockets, by io_uring", .interfaces = TRALE_UDP_1,
             .options = uring_options, .start = uring_start, .stop = uring_stop, .interface = uring_interface,
             .before_wait = uring_before_wait, .settle = uring_settle);
