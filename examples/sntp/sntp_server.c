/* SPDX-License-Identifier: MIT
 *
 * An SNTP server (RFC 4330; the server of RFC 5905 for clients that ask in mode 3): gives the time of this host's
 * clock, which it does not set.
 *
 *     sntp_server [-c FILE]
 *         -c  the trale.ini to read, in place of those that trale finds
 *
 * Its settings are in the section [application:sntp], all of them in examples/sntp/sntp.ini; at SIGHUP they are read
 * again, as a whole or not at all, but for `listen`. It takes all sockets that a service manager passes
 * (systemd.socket(5), examples/sntp/sntp.socket), or else opens those of `listen`, and notifies the manager when it is
 * ready, reloads and ends (sd_notify(3)). SIGTERM or SIGINT ends it.
 *
 * Times: the receive timestamp is the kernel's, the transmit timestamp is taken right before a batch of answers goes to
 * the kernel. An answer comes from the address that was asked.
 *
 * Limits: an answer has 48 bytes, never more than its request. Each client, an IPv4 address or an IPv6 /64, has a rate;
 * one that goes beyond it gets a kiss-o'-death packet, and no other one until its bucket was full. Control messages
 * (modes 6 and 7) and symmetric peers (mode 1) are never answered; keys and extension fields are ignored. It takes the
 * clock as right: whether another program keeps it synchronized is for the operator to know, who sets `stratum`, `leap`
 * and `root_dispersion`. */
#define _GNU_SOURCE 1 /* getopt(3), sigabbrev_np(3) */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/scope.h>
#include <trale/signal.h>
#include <trale/timer.h>

#include "../service/log.h"
#include "../service/notify.h"
#include "config.h"
#include "listener.h"

struct service {
    struct trale_options options;
    struct sntp_config config;
    struct sntp_server server;
    struct sntp_listener listeners[SNTP_LISTENERS_MAX];
    size_t n_listeners;
};

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* Applies settings that were read. 0 or -ENOMEM, and nothing has changed. */
static int service_apply(struct service *service, const struct sntp_config *config, struct trale *runtime)
{
    struct sntp_server *server = &service->server;
    if (server->rate.buckets == NULL || config->n_clients != service->config.n_clients) {
        uint64_t secret = 0;
        struct rate rate = {0};
        int r = trale_random_fill(runtime, &secret, sizeof secret);
        if (r == 0)
            r = rate_init(&rate, config->n_clients, secret);
        if (r < 0)
            return r;
        rate_deinit(&server->rate);
        server->rate = rate;
    }
    rate_set(&server->rate, config->rate_interval_ns, config->rate_burst);
    server->clock = config->clock;
    server->clock.reference = sntp_timestamp(trale_now_on(runtime, TRALE_CLOCK_REALTIME));
    service_log_set(config->log);
    service->config = *config;
    return 0;
}

static bool listens_elsewhere(const struct sntp_config *a, const struct sntp_config *b)
{
    for (size_t i = 0; i < a->n_listen && a->n_listen == b->n_listen; i++)
        if (!trale_address_equal(&a->listen[i], &b->listen[i]))
            return true;
    return a->n_listen != b->n_listen;
}

static void service_reload(struct service *service, struct trale *runtime)
{
    struct sntp_config config, old = service->config;
    (void)service_notify(runtime, SERVICE_RELOADING);
    int r = sntp_config_read(&config, &service->options);
    if (r == 0)
        r = service_apply(service, &config, runtime);
    if (r < 0)
        service_log(LOG_ERR, "the settings stay as they were: %s", strerror(-r));
    else
        service_log(LOG_NOTICE, "the settings were read again%s",
                    listens_elsewhere(&config, &old) ? "; `listen` has changed, which needs a restart" : "");
    (void)service_notify(runtime, SERVICE_READY);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

/* The body of the scope, in which a task for each socket runs. */
struct listeners {
    struct trale_future future;
    struct service *service;
    struct trale_scope *scope;
};

trale_async(listeners)
{
    trale_begin();
    for (size_t i = 0; i < self->service->n_listeners; i++) {
        int r = trale_scope_spawn(self->scope, sntp_listen, .server = &self->service->server,
                                  .listener = &self->service->listeners[i]);
        if (r < 0)
            trale_return(r);
    }
    trale_return(0);
}

/* Resolves at SIGTERM or SIGINT. */
struct control {
    struct trale_future future;
    struct service *service;
    struct trale_signal signal;
    uint64_t signals;
};

trale_async(control)
{
    trale_begin();
    do {
        trale_try(trale_signal_any(&self->signal, self->signals));
        if (self->signal.number == SIGHUP)
            service_reload(self->service, cx->runtime);
    } while (self->signal.number == SIGHUP);
    service_log(LOG_NOTICE, "SIG%s: ends", sigabbrev_np(self->signal.number));
    (void)service_notify(cx->runtime, SERVICE_STOPPING);
    trale_return(0);
}

struct run {
    struct trale_future future;
    struct service *service;
    struct trale_scope scope;
    struct listeners listeners;
    struct control control;
    TRALE_BRANCHES(2) race;
};

trale_async(run)
{
    trale_begin();
    uint64_t signals = (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT) | trale_signal_bit(SIGHUP)) &
                       trale_signal_taken(cx->runtime);
    trale_try(trale_race_of(
        &self->race,
        trale_scope(&self->scope,
                    trale_call(listeners, &self->listeners, .service = self->service, .scope = &self->scope)),
        signals != 0 ? trale_call(control, &self->control, .service = self->service, .signals = signals) : NULL));
    trale_return(self->race.branch[trale_result()].result);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static int listener_add(struct service *service, struct trale_udp_socket *socket)
{
    struct trale_address local;
    char text[TRALE_ADDRESS_TEXT];
    int r = sntp_listener_init(&service->listeners[service->n_listeners], socket);
    if (r == 0)
        r = trale_udp_local(socket, &local);
    if (r == 0)
        r = trale_address_format(&local, text, sizeof text);
    if (r < 0)
        return r;
    service->n_listeners++;
    service_log(LOG_NOTICE, "listening on %s", text);
    return 0;
}

/* Those that a service manager passes; there may be none. 0, or a negative errno and a message. */
static int sockets_inherit(struct service *service, struct trale *runtime)
{
    for (size_t i = 0;; i++) {
        char name[8];
        struct trale_udp_socket *socket;
        snprintf(name, sizeof name, "%zu", i);
        int r = trale_udp_inherit(runtime, name, &socket);
        if (r == -ENOENT || r == -EOPNOTSUPP) /* in a simulation there is none */
            return 0;
        if (r == 0 && i == SNTP_LISTENERS_MAX) {
            service_log(LOG_ERR, "the service manager passes more than %d sockets", SNTP_LISTENERS_MAX);
            return -EINVAL;
        }
        if (r == 0)
            r = listener_add(service, socket);
        if (r < 0) {
            service_log(LOG_ERR, "socket %zu of the service manager: %s", i, strerror(-r));
            return r;
        }
    }
    return 0;
}

/* Those of `listen`. A machine without IPv6 has the others. */
static int sockets_open(struct service *service, struct trale *runtime)
{
    int first = 0;
    for (size_t i = 0; i < service->config.n_listen; i++) {
        const struct trale_address *address = &service->config.listen[i];
        char text[TRALE_ADDRESS_TEXT] = "";
        struct trale_udp_socket *socket;
        uint32_t flags = address->any.sa_family == AF_INET6 ? TRALE_UDP_V6_ONLY : 0;
        int r = trale_udp_open_at(runtime, address, flags, &socket);
        if (r == 0)
            r = listener_add(service, socket);
        if (r == 0)
            continue;
        trale_address_format(address, text, sizeof text);
        service_log(r == -EAFNOSUPPORT ? LOG_WARNING : LOG_ERR, "%s: %s", text, strerror(-r));
        if (r != -EAFNOSUPPORT)
            return r;
        first = first < 0 ? first : r;
    }
    return service->n_listeners > 0 ? 0 : first;
}

/* --- the program -------------------------------------------------------------------------------------------------- */

static int64_t service_run(struct service *service, struct trale *runtime)
{
    struct sntp_config config = service->config;
    int r = service_apply(service, &config, runtime);
    if (r < 0)
        service_log(LOG_ERR, "cannot start: %s", strerror(-r));
    if (r == 0)
        r = sockets_inherit(service, runtime);
    if (r == 0 && service->n_listeners == 0)
        r = sockets_open(service, runtime);
    if (r < 0)
        return r;
    (void)service_notify(runtime, SERVICE_READY);
    int64_t result = trale_join(trale_spawn(runtime, run, .service = service));
    if (result < 0)
        service_log(LOG_ERR, "ends: %s", strerror((int)-result));
    const struct sntp_counts *counts = &service->server.counts;
    service_log(LOG_NOTICE,
                "answered %" PRIu64 ", refused %" PRIu64 ", limited %" PRIu64 ", ignored %" PRIu64 ", failed %" PRIu64,
                counts->n_answered, counts->n_refused, counts->n_limited, counts->n_ignored, counts->n_failed);
    return result;
}

int main(int argc, char **argv)
{
    static struct service service = {.options = {.log = service_log_trale}};
    bool is_understood = true;
    service_keep_hangups();
    for (int option; (option = getopt(argc, argv, "c:")) != -1;) {
        is_understood = is_understood && option == 'c';
        service.options.config_path = optarg;
    }
    if (!is_understood || optind < argc) {
        fprintf(stderr, "usage: %s [-c FILE]\n", argv[0]);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN); /* see log.h */
    service_log_set(2);       /* until the settings say otherwise; what they are not read from is in a message */
    if (sntp_config_read(&service.config, &service.options) < 0)
        return EXIT_FAILURE;
    service_log_set(service.config.log);
    struct trale *runtime;
    if (trale_open(&runtime, &service.options) < 0) /* which has said why */
        return EXIT_FAILURE;
    int64_t result = service_run(&service, runtime);
    trale_close(runtime); /* closes the sockets as well */
    rate_deinit(&service.server.rate);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
