/* SPDX-License-Identifier: MIT
 *
 * An HTTP/3 server (RFC 9114) for the files of a folder, over QUIC (RFC 9000, 9001, 9002), by ngtcp2, nghttp3 and
 * GnuTLS.
 *
 *     quic_server [-c FILE]
 *         -c  the trale.ini to read, in place of those that trale finds
 *
 * Its settings are in the section [application:quic]; examples/quic/quic.ini explains them. At SIGHUP it reads them
 * again, with certificate and key, as a whole or not at all: connections go on with the certificate that they have;
 * `listen`, `secret` and `offloads` count from the next start. It takes the socket of a service manager
 * (examples/quic/quic.socket), or else opens one at `listen`, and notifies the manager (sd_notify(3)). It logs to
 * stderr as journald understands it.
 *
 * At SIGTERM or SIGINT it takes no more connections and requests, which it says to its clients (GOAWAY), and ends when
 * all requests have their answers, or after `grace`; a second signal ends it at once.
 *
 * Limits. A client is an IPv4 address or a /64 of IPv6.
 *   - Connections: in all, and with each client. A client that begins too many has to prove its address by a
 *     retry; one that has done so is refused. All have to when half of the connections are taken.
 *   - Packets of no connection: so many answers to each client, none longer than its question. Before an address
 *     is proven, it gets three times as many bytes as have come from it (RFC 9000, 8.1).
 *   - Requests: at once in a connection, and how often a client may ask; it gets status 429 beyond. Fields: 16 KiB of a
 *     request, or its stream is reset. Content is not read.
 *   - Memory: what clients have not acknowledged; each connection has an equal share. Beside it, a connection takes the
 *     memory of its TLS session, and up to 256 KiB of what comes out of order.
 *   - Time: of a handshake; and until a connection is given up whose requests do not go on, even if packets come.
 *     A client that takes a byte at a time keeps its connection: there is no least rate.
 *
 * There is no 0-RTT, no session ticket, no version but 1, and no server push. Where a file is not in memory, the server
 * waits for the disk, and all its clients with it. */
#define _GNU_SOURCE 1 /* getopt(3), sigabbrev_np(3) */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/signal.h>
#include <trale/trale.h>

#include "../http/file.h"
#include "../service/log.h"
#include "../service/notify.h"
#include "responses.h"
#include "settings.h"

#define STOP_SIGNALS (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT))
#define ALL_SIGNALS (STOP_SIGNALS | trale_signal_bit(SIGHUP))

struct server {
    struct trale_options options;
    struct quic_settings settings;
    struct endpoint endpoint;
    struct responses responses;
};

/* --- settings ----------------------------------------------------------------------------------------------------- */

/* What settings name. */
struct resources {
    struct tls *tls;
    int folder;
};

static int resources_open(struct resources *resources, const struct quic_settings *settings)
{
    int r = tls_new_server(&resources->tls, settings->certificate, settings->key);
    if (r < 0) {
        service_log(LOG_ERR, "certificate = %s, key = %s: %s", settings->certificate, settings->key,
                    gnutls_strerror(r));
        return -EINVAL;
    }
    resources->folder = http_folder_open(settings->folder);
    if (resources->folder >= 0)
        return 0;
    service_log(LOG_ERR, "folder = %s: %s", settings->folder, strerror(-resources->folder));
    tls_release(resources->tls);
    return resources->folder;
}

/* Applies settings, which then are the server's. 0 or a negative errno, and nothing has changed. */
static int server_apply(struct server *server, const struct quic_settings *settings)
{
    struct endpoint *endpoint = &server->endpoint;
    struct resources resources;
    int r = resources_open(&resources, settings);
    if (r < 0)
        return r;
    r = endpoint_limit(endpoint, &settings->limits, settings->n_clients);
    if (r < 0) {
        service_log(LOG_ERR, "clients = %" PRIu64 ": %s", settings->n_clients, strerror(-r));
        tls_release(resources.tls);
        close(resources.folder);
        return r;
    }
    tls_release(endpoint->tls);
    endpoint->tls = resources.tls;
    close(server->responses.folder);
    server->responses.folder = resources.folder;
    server->responses.share = settings->share;
    service_log_set(settings->log);
    quic_settings_deinit(&server->settings);
    server->settings = *settings;
    return 0;
}

static void server_reload(struct server *server)
{
    struct quic_settings settings;
    (void)service_notify(server->endpoint.runtime, SERVICE_RELOADING);
    int r = quic_settings_read(&settings, &server->options);
    if (r == 0) {
        const struct quic_settings *old = &server->settings;
        bool needs_restart = !trale_address_equal(&settings.listen, &old->listen) ||
                             settings.offloads != old->offloads || strcmp(settings.secret, old->secret) != 0;
        r = server_apply(server, &settings);
        if (r < 0)
            quic_settings_deinit(&settings);
        else if (needs_restart)
            service_log(LOG_WARNING, "`listen`, `secret` or `offloads` has changed, which needs a restart");
    }
    if (r < 0)
        service_log(LOG_ERR, "the settings stay as they were: %s", strerror(-r));
    else
        service_log(LOG_NOTICE, "the settings were read again");
    (void)service_notify(server->endpoint.runtime, SERVICE_READY);
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

/* Handles signals: ends the endpoint in order at the first that asks for it, and at once when the time is up or at the
 * second. It never resolves. */
struct control {
    struct trale_future future;
    struct server *server;
    struct trale_signal signal;
    struct trale_sleep grace;
    TRALE_BRANCHES(2) race;
};

trale_async(control)
{
    trale_begin();
    for (;;) {
        trale_try(trale_signal_any(&self->signal, ALL_SIGNALS & trale_signal_taken(cx->runtime)));
        if (self->signal.number != SIGHUP)
            break;
        server_reload(self->server);
    }
    service_log(LOG_NOTICE, "SIG%s: ends", sigabbrev_np(self->signal.number));
    (void)service_notify(cx->runtime, SERVICE_STOPPING);
    endpoint_stop(&self->server->endpoint);
    trale_try(trale_race_of(&self->race, trale_sleep(&self->grace, self->server->settings.grace_ns),
                            trale_signal_any(&self->signal, STOP_SIGNALS)));
    endpoint_cut(&self->server->endpoint);
    trale_try(trale_sleep(&self->grace, UINT64_MAX));
    trale_return(0);
}

struct serve {
    struct trale_future future;
    struct server *server;
    struct endpoint_run endpoint;
    struct control control;
    TRALE_BRANCHES(2) race;
};

trale_async(serve)
{
    trale_begin();
    trale_try(trale_race_of(&self->race, trale_call(endpoint_run, &self->endpoint, .endpoint = &self->server->endpoint),
                            trale_call(control, &self->control, .server = self->server)));
    trale_return(self->race.branch[trale_result()].result);
}

/* --- the program -------------------------------------------------------------------------------------------------- */

static int read_secret(struct server *server, const char *name)
{
    struct endpoint *endpoint = &server->endpoint;
    if (*name == '\0')
        return trale_random_fill(endpoint->runtime, endpoint->secret, sizeof endpoint->secret);
    FILE *file = fopen(name, "rbe");
    bool is_read = file != NULL && fread(endpoint->secret, sizeof endpoint->secret, 1, file) == 1;
    if (file != NULL)
        fclose(file);
    if (!is_read)
        service_log(LOG_ERR, "secret = %s: no file with %u bytes", name, ANSWER_SECRET_SIZE);
    return is_read ? 0 : -EINVAL;
}

static int server_listen(struct server *server)
{
    struct endpoint *endpoint = &server->endpoint;
    char text[TRALE_ADDRESS_TEXT] = "";
    int r = endpoint_open(endpoint, &server->settings.listen);
    trale_address_format(r == 0 ? &endpoint->local : &server->settings.listen, text, sizeof text);
    if (r < 0)
        service_log(LOG_ERR, "listen = %s: %s", text, strerror(-r));
    else
        service_log(LOG_NOTICE, "listening on %s", text);
    return r;
}

static int64_t server_run(struct server *server, const struct quic_settings *settings, struct trale *runtime)
{
    struct endpoint *endpoint = &server->endpoint;
    endpoint->runtime = runtime;
    if ((STOP_SIGNALS & ~trale_signal_taken(runtime)) != 0) {
        service_log(LOG_ERR, "[driver:signal] signals: TERM and INT are needed");
        return -EINVAL;
    }
    endpoint->offloads = settings->offloads;
    int64_t r = server_apply(server, settings);
    if (r < 0)
        return r;
    r = read_secret(server, server->settings.secret);
    if (r == 0)
        r = server_listen(server);
    if (r < 0)
        return r;
    (void)service_notify(runtime, SERVICE_READY);
    r = trale_join(trale_spawn(runtime, serve, .server = server));
    if (r < 0)
        service_log(LOG_ERR, "ends: %s", strerror((int)-r));
    const struct responses *responses = &server->responses;
    service_log(LOG_NOTICE,
                "connections %" PRIu64 ", answered %" PRIu64 ", cut %" PRIu64 ", retries %" PRIu64 ", refused %" PRIu64
                ", ignored %" PRIu64 ", paths %" PRIu64 ", resets %" PRIu64,
                endpoint->n_accepted, responses->n_answers, responses->n_failures, endpoint->n_retries,
                endpoint->n_refused, endpoint->n_ignored, endpoint->n_paths, endpoint->n_resets);
    return r;
}

/* Each request may have a file open. */
static void raise_limit_of_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    static struct server server = {
        .options = {.log = service_log_trale},
        .endpoint = {.application = &responses_application, .window = 256u << 10, .inherits = true},
        .responses = {.folder = -1}};
    server.endpoint.context = &server.responses;
    bool is_understood = true;
    service_keep_hangups();
    signal(SIGPIPE, SIG_IGN); /* see log.h */
    for (int option; (option = getopt(argc, argv, "c:")) != -1;) {
        is_understood = is_understood && option == 'c';
        server.options.config_path = optarg;
    }
    if (!is_understood || optind < argc) {
        fprintf(stderr, "usage: %s [-c FILE]\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    struct quic_settings settings;
    service_log_set(2); /* until the settings say otherwise */
    if (quic_settings_read(&settings, &server.options) < 0)
        return EXIT_FAILURE;
    service_log_set(settings.log);
    raise_limit_of_files();
    if (trale_open(&runtime, &server.options) < 0) { /* which has said why */
        quic_settings_deinit(&settings);
        return EXIT_FAILURE;
    }
    int64_t result = server_run(&server, &settings, runtime);
    trale_close(runtime); /* closes the socket as well */
    server.endpoint.socket = NULL;
    endpoint_close(&server.endpoint);
    tls_release(server.endpoint.tls);
    close(server.responses.folder);
    quic_settings_deinit(server.settings.read != NULL ? &server.settings : &settings);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
