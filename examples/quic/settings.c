/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>
#include <inttypes.h>

#include <trale/timer.h>

#include "../service/log.h"
#include "responses.h"

enum {
    LISTEN,
    CERTIFICATE,
    KEY,
    FOLDER,
    SECRET,
    RETRY,
    OFFLOADS,
    CONNECTIONS,
    CLIENT_CONNECTIONS,
    REQUESTS,
    MEMORY,
    CONNECTION_INTERVAL,
    CONNECTION_BURST,
    ANSWER_INTERVAL,
    ANSWER_BURST,
    REQUEST_INTERVAL,
    REQUEST_BURST,
    CLIENTS,
    IDLE,
    HANDSHAKE,
    GRACE,
    LOG,
    N_KEYS,
};

#define TEXT(value) .type = TRALE_OPTION_TEXT, .default_value = (value)
#define INTEGER(lowest, highest, value)                                                                                \
    .type = TRALE_OPTION_INTEGER, .minimum = (lowest), .maximum = (highest), .default_value = (value)
#define DURATION(value)                                                                                                \
    .type = TRALE_OPTION_DURATION, .minimum = TRALE_MILLISECOND, .maximum = 3600 * (int64_t)TRALE_SECOND,              \
    .default_value = (value)
#define INTERVAL(value)                                                                                                \
    .type = TRALE_OPTION_DURATION, .minimum = 0, .maximum = 3600 * (int64_t)TRALE_SECOND, .default_value = (value)
#define BURST(value) INTEGER(1, 1000000, value)

static const struct trale_option keys[N_KEYS + 1] = {
    [LISTEN] = {.name = "listen", TEXT("[::]:443"), .help = "the address, if no service manager passes a socket"},
    [CERTIFICATE] = {.name = "certificate",
                     TEXT("/etc/trale/quic.crt"),
                     .help = "a file of certificates, the server's own one first, in PEM"},
    [KEY] = {.name = "key", TEXT("/etc/trale/quic.key"), .help = "a file with the certificate's key, in PEM"},
    [FOLDER] = {.name = "folder", TEXT("/srv/www"), .help = "the files"},
    [SECRET] = {.name = "secret", TEXT(""), .help = "a file with 32 bytes, for tokens and resets; empty: random ones"},
    [RETRY] = {.name = "retry",
               .type = TRALE_OPTION_CHOICE,
               .choices = "loaded | always",
               .default_value = "loaded",
               .help = "clients that prove their addresses first: those beyond their rate, and all when half of "
                       "the connections are taken; or always all"},
    [OFFLOADS] = {.name = "offloads",
                  .type = TRALE_OPTION_BOOLEAN,
                  .default_value = "yes",
                  .help = "the kernel cuts and joins packets (GSO, GRO)"},
    [CONNECTIONS] = {.name = "connections", INTEGER(1, 1000000, "1000"), .help = "at once; more are refused"},
    [CLIENT_CONNECTIONS] = {.name = "client_connections",
                            INTEGER(1, 1000000, "50"),
                            .help = "of them, those with one client, an IPv4 address or a /64 of IPv6"},
    [REQUESTS] = {.name = "requests", INTEGER(1, 10000, "100"), .help = "that may be open in a connection"},
    [MEMORY] = {.name = "memory",
                .type = TRALE_OPTION_SIZE,
                .minimum = 1 << 12,
                .maximum = INT64_C(1) << 50,
                .default_value = "1G",
                .help = "for what is not acknowledged yet; each connection has an equal share"},
    [CONNECTION_INTERVAL] = {.name = "connection_interval",
                             INTERVAL("50ms"),
                             .help = "how often a client may begin a connection, in the long run; 0: no limit"},
    [CONNECTION_BURST] = {.name = "connection_burst", BURST("100"), .help = "... at once"},
    [ANSWER_INTERVAL] = {.name = "answer_interval",
                         INTERVAL("10ms"),
                         .help = "how often packets of no connection are answered; 0: no limit"},
    [ANSWER_BURST] = {.name = "answer_burst", BURST("200"), .help = "... at once"},
    [REQUEST_INTERVAL] = {.name = "request_interval",
                          INTERVAL("1ms"),
                          .help = "how often a client may ask for a file; 0: no limit"},
    [REQUEST_BURST] = {.name = "request_burst", BURST("2000"), .help = "... at once"},
    [CLIENTS] = {.name = "clients",
                 INTEGER(1, 1 << 24, "16384"),
                 .help = "of how many clients the rates are known at once, 64 bytes each"},
    [IDLE] = {.name = "idle", DURATION("30s"), .help = "how long a connection may have no progress"},
    [HANDSHAKE] = {.name = "handshake", DURATION("10s"), .help = "how long a handshake may take"},
    [GRACE] = {.name = "grace", DURATION("5s"), .help = "how long requests may go on after SIGTERM"},
    [LOG] = SERVICE_LOG_OPTION,
    [N_KEYS] = {.name = NULL},
};

static void read_values(struct quic_settings *settings, const struct trale_value *values)
{
    *settings = (struct quic_settings){
        .certificate = values[CERTIFICATE].text,
        .key = values[KEY].text,
        .folder = values[FOLDER].text,
        .secret = values[SECRET].text,
        .offloads = values[OFFLOADS].integer != 0,
        .limits = {.always_retries = values[RETRY].integer != 0,
                   .n_connections = (size_t)values[CONNECTIONS].integer,
                   .n_client_connections = (size_t)values[CLIENT_CONNECTIONS].integer,
                   .n_requests = (size_t)values[REQUESTS].integer,
                   .idle_ns = (uint64_t)values[IDLE].integer,
                   .handshake_ns = (uint64_t)values[HANDSHAKE].integer,
                   .connection_interval_ns = (uint64_t)values[CONNECTION_INTERVAL].integer,
                   .connection_burst = (uint64_t)values[CONNECTION_BURST].integer,
                   .answer_interval_ns = (uint64_t)values[ANSWER_INTERVAL].integer,
                   .answer_burst = (uint64_t)values[ANSWER_BURST].integer,
                   .request_interval_ns = (uint64_t)values[REQUEST_INTERVAL].integer,
                   .request_burst = (uint64_t)values[REQUEST_BURST].integer},
        .share = (size_t)(values[MEMORY].integer / values[CONNECTIONS].integer),
        .n_clients = (uint64_t)values[CLIENTS].integer,
        .grace_ns = (uint64_t)values[GRACE].integer,
        .log = values[LOG].integer,
    };
}

static int refuse(const struct trale_settings *settings, int key, const char *reason)
{
    const struct trale_value *value = &settings->values[key];
    service_log(LOG_ERR, "%s:%u: [%s] %s = %s: %s", settings->file, value->line, settings->section, keys[key].name,
                value->text, reason);
    return -EINVAL;
}

int quic_settings_read(struct quic_settings *settings, const struct trale_options *options)
{
    struct trale_settings *found;
    struct quic_settings read;
    char reason[128];
    int r = trale_settings_read(&found, "quic", keys, options);
    if (r < 0)
        return r;
    read_values(&read, found->values);
    read.read = found;
    const uint64_t share_min = 2 * (uint64_t)read.limits.n_requests * RESPONSE_CHUNK_MIN;
    if (trale_address_parse(found->values[LISTEN].text, &read.listen) < 0)
        r = refuse(found, LISTEN, "not an address such as 192.0.2.1:443 or [2001:db8::1]:443");
    snprintf(reason, sizeof reason, "%zu connections of %zu requests need %" PRIu64, read.limits.n_connections,
             read.limits.n_requests, read.limits.n_connections * share_min);
    if (read.share < share_min)
        r = refuse(found, MEMORY, reason);
    if (r < 0) {
        trale_settings_free(found);
        return r;
    }
    *settings = read;
    return 0;
}

void quic_settings_deinit(struct quic_settings *settings)
{
    trale_settings_free(settings->read);
    settings->read = NULL;
}
