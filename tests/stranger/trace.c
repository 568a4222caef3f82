/* SPDX-License-Identifier: MIT
 *
 * A layer over trale.timer/1, trale.udp/1, trale.stream/1, trale.signal/1 and trale.blocking/1, or over some of them:
 * it counts every operation and call, and logs them if trale.ini says so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer.h"

static const char *const events[N_EVENTS] = {"made", "polled", "resolved", "failed", "dropped"};
static const char *const calls[N_CALLS] = {[CALL_now] = "now",
                                           [CALL_now_on] = "now_on",
                                           [CALL_reset] = "reset",
                                           [CALL_taken] = "taken",
                                           [CALL_close] = "close",
#define NAME(type, member, parameters, arguments) [CALL_##member] = #member,
                                           UDP_OPENS(NAME) UDP_CALLS(NAME)
#undef NAME
#define NAME(type, member, parameters, arguments) [CALL_stream_##member] = "stream_" #member,
#define CLOSE(member, parameters) [CALL_stream_##member] = "stream_" #member,
                                               STREAM_OPENS(NAME) STREAM_CALLS(NAME) STREAM_CLOSES(CLOSE)};

/* --- counts ------------------------------------------------------------------------------------------------------- */

static void tracer_log(const struct tracer *tracer, const char *what, const char *event, int64_t result)
{
    char text[96];
    if (!tracer->logs)
        return;
    snprintf(text, sizeof text, "%s%s%s: %lld", what, event[0] != '\0' ? " " : "", event, (long long)result);
    tracer->host.log(tracer->host.context, TRALE_LOG_DEBUG, text);
}

static void traced_count(struct traced *traced, enum event event, int64_t result)
{
    traced->counts[event]++;
    tracer_log(traced->tracer, traced->name, events[event], result);
}

void tracer_call(struct tracer *tracer, enum call call, int64_t result)
{
    tracer->calls[call]++;
    tracer_log(tracer, calls[call], "", result);
}

static int64_t traced_find(const struct traced *traced, const char *what)
{
    size_t length = strlen(traced->name);
    for (size_t i = 0; i < N_EVENTS; i++)
        if (strncmp(what, traced->name, length) == 0 && what[length] == ' ' &&
            strcmp(what + length + 1, events[i]) == 0)
            return traced->counts[i];
    return -1;
}

static int64_t trace_count(void *instance, const char *what)
{
    struct tracer *tracer = instance;
    const struct traced *all[] = {&tracer->sleep, &tracer->signal, &tracer->blocking,
#define ONE(member, operation) &tracer->member,
                                  UDP_FUTURES(ONE)
#undef ONE
#define ONE(member, operation) &tracer->stream_##member,
                                      STREAM_FUTURES(ONE)};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (traced_find(all[i], what) >= 0)
            return traced_find(all[i], what);
    for (size_t i = 0; i < N_CALLS; i++)
        if (strcmp(what, calls[i]) == 0)
            return tracer->calls[i];
    return -1;
}

static const struct trace *trace_below(void *instance)
{
    return ((struct tracer *)instance)->below;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

int64_t tracer_poll(struct trale_future *future, struct trale_context *context)
{
    struct traced *traced = trale_layer_of(future);
    traced_count(traced, EVENT_POLLED, 0);
    int64_t result = trale_layer_poll(future, context);
    if (result != TRALE_PENDING)
        traced_count(traced, result >= 0 ? EVENT_RESOLVED : EVENT_FAILED, result);
    return result;
}

static void traced_drop(struct trale_future *future)
{
    struct traced *traced = trale_layer_of(future);
    trale_layer_drop(future);
    traced_count(traced, EVENT_DROPPED, 0);
}

static void traced_init(struct traced *traced, struct tracer *tracer, const char *name)
{
    trale_layer_kind_init(&traced->kind, tracer_poll, traced_drop, traced);
    traced->tracer = tracer;
    traced->name = name;
}

void tracer_make(struct traced *traced, struct trale_future *future)
{
    trale_layer_wrap(&traced->kind, future);
    traced_count(traced, EVENT_MADE, 0);
}

/* --- timer, signal, blocking -------------------------------------------------------------------------------------- */

static uint64_t trace_now(void *instance)
{
    struct tracer *tracer = instance;
    tracer_call(tracer, CALL_now, 0);
    return tracer->timer_below->now(tracer->timer_below->interface.instance);
}

static uint64_t trace_now_on(void *instance, uint32_t clock)
{
    struct tracer *tracer = instance;
    tracer_call(tracer, CALL_now_on, clock);
    return tracer->timer_below->now_on(tracer->timer_below->interface.instance, clock);
}

static void trace_sleep_until(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    struct tracer *tracer = instance;
    tracer->timer_below->sleep_until(tracer->timer_below->interface.instance, sleep, deadline_ns);
    tracer_make(&tracer->sleep, &sleep->future);
}

static void trace_sleep_on(void *instance, struct trale_sleep *sleep, uint32_t clock, uint64_t deadline_ns,
                           uint64_t slack_ns)
{
    struct tracer *tracer = instance;
    tracer->timer_below->sleep_on(tracer->timer_below->interface.instance, sleep, clock, deadline_ns, slack_ns);
    tracer_make(&tracer->sleep, &sleep->future);
}

static void trace_reset(void *instance, struct trale_sleep *sleep, uint64_t deadline_ns)
{
    struct tracer *tracer = instance;
    tracer_call(tracer, CALL_reset, 0);
    tracer->timer_below->reset(tracer->timer_below->interface.instance, sleep, deadline_ns);
}

static uint64_t trace_taken(void *instance)
{
    struct tracer *tracer = instance;
    tracer_call(tracer, CALL_taken, 0);
    return tracer->signals_below->taken(tracer->signals_below->interface.instance);
}

static void trace_wait(void *instance, struct trale_signal *signal)
{
    struct tracer *tracer = instance;
    tracer->signals_below->wait(tracer->signals_below->interface.instance, signal);
    tracer_make(&tracer->signal, &signal->future);
}

static void trace_run(void *instance, struct trale_blocking *blocking)
{
    struct tracer *tracer = instance;
    tracer->pool_below->run(tracer->pool_below->interface.instance, blocking);
    tracer_make(&tracer->blocking, &blocking->future);
}

static void tracer_set_tables(struct tracer *tracer)
{
    const struct trale_timer *timer = tracer->timer_below;
    if (timer != NULL)
        tracer->timer = (struct trale_timer){
            .interface = {sizeof tracer->timer, 1, tracer},
            .now = trace_now,
            .sleep_until = trace_sleep_until,
            .now_on = timer->now_on != NULL ? trace_now_on : NULL,
            .sleep_on = timer->sleep_on != NULL ? trace_sleep_on : NULL,
            .reset = timer->reset != NULL ? trace_reset : NULL,
        };
    if (tracer->signals_below != NULL)
        tracer->signals = (struct trale_signals){{sizeof tracer->signals, 1, tracer}, trace_taken, trace_wait};
    if (tracer->pool_below != NULL)
        tracer->pool = (struct trale_pool){{sizeof tracer->pool, 1, tracer}, trace_run};
    tracer_set_udp(tracer);
    tracer_set_stream(tracer);
}

/* --- the driver --------------------------------------------------------------------------------------------------- */

static int32_t trace_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct tracer *tracer = calloc(1, sizeof *tracer);
    if (tracer == NULL)
        return -ENOMEM;
    trale_host_copy(&tracer->host, host);
    tracer->logs = settings->values[0].integer != 0;
    tracer->table = (struct trace){{sizeof tracer->table, 1, tracer}, trace_count, trace_below};
    tracer->below = host->interface(host->context, "org.example.trace/1", sizeof(struct trace));
    tracer->timer_below = host->interface(host->context, "trale.timer/1", sizeof(struct trale_timer));
    tracer->udp_below = host->interface(host->context, TRALE_UDP_1, sizeof(struct trale_udp));
    tracer->stream_below = host->interface(host->context, TRALE_STREAM_1, sizeof(struct trale_stream));
    tracer->signals_below = host->interface(host->context, "trale.signal/1", sizeof(struct trale_signals));
    tracer->pool_below = host->interface(host->context, "trale.blocking/1", sizeof(struct trale_pool));
    traced_init(&tracer->sleep, tracer, "sleep");
    traced_init(&tracer->signal, tracer, "signal");
    traced_init(&tracer->blocking, tracer, "blocking");
#define INIT(member, operation) traced_init(&tracer->member, tracer, #member);
    UDP_FUTURES(INIT)
#define STREAM_INIT(member, operation) traced_init(&tracer->stream_##member, tracer, "stream_" #member);
    STREAM_FUTURES(STREAM_INIT)
    tracer_set_tables(tracer);
    *instance = tracer;
    return 0;
}

static void trace_stop(void *instance)
{
    struct tracer *tracer = instance;
    trale_layer_kind_deinit(&tracer->sleep.kind);
    trale_layer_kind_deinit(&tracer->signal.kind);
    trale_layer_kind_deinit(&tracer->blocking.kind);
#define DEINIT(member, operation) trale_layer_kind_deinit(&tracer->member.kind);
    UDP_FUTURES(DEINIT)
#define STREAM_DEINIT(member, operation) trale_layer_kind_deinit(&tracer->stream_##member.kind);
    STREAM_FUTURES(STREAM_DEINIT)
    free(tracer);
}

static const struct trale_interface *trace_interface(void *instance, const char *name)
{
    struct tracer *tracer = instance;
    if (strcmp(name, "org.example.trace/1") == 0)
        return &tracer->table.interface;
    const struct {
        const char *name;
        const struct trale_interface *table;
        bool is_there;
    } tables[] = {{"trale.timer/1", &tracer->timer.interface, tracer->timer_below != NULL},
                  {"trale.udp/1", &tracer->udp.interface, tracer->udp_below != NULL},
                  {"trale.stream/1", &tracer->stream.interface, tracer->stream_below != NULL},
                  {"trale.signal/1", &tracer->signals.interface, tracer->signals_below != NULL},
                  {"trale.blocking/1", &tracer->pool.interface, tracer->pool_below != NULL}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (strcmp(name, tables[i].name) == 0 && tables[i].is_there)
            return tables[i].table;
    return NULL;
}

static const struct trale_option options[] = {
    {.name = "log", .type = TRALE_OPTION_BOOLEAN, .default_value = "no", .help = "whether it logs what it counts"},
    {.name = NULL},
};

TRALE_DRIVER(.name = "trace", .version = "1.0", .summary = "counts the operations of the drivers that it is over",
             .interfaces = "org.example.trace/1",
             .layers = TRALE_TIMER_1 " " TRALE_UDP_1 " " TRALE_STREAM_1 " " TRALE_SIGNAL_1 " " TRALE_BLOCKING_1,
             .options = options, .start = trace_start, .stop = trace_stop, .interface = trace_interface);
