/* SPDX-License-Identifier: MIT
 *
 * An HTTP/3 server (RFC 9114) for the files of a folder, over QUIC (RFC 9000, 9001, 9002), by ngtcp2, nghttp3 and
 * GnuTLS.
 *
 *     quic_server [-a] [-O] [-c CONNECTIONS] [-i MILLISECONDS] [-g MILLISECONDS] [-s FILE]
 *                 CERTIFICATE KEY FOLDER [ADDRESS]
 *         -a  validates every client's address by a retry; without it, when half of the connections are taken
 *         -O  sends and receives each packet by itself, without the offloads of the kernel (GSO, GRO)
 *         -c  how many connections there may be, default 1000; more are refused
 *         -i  how long a connection may be silent, default 30000
 *         -g  how long requests may go on after a signal, default 5000
 *         -s  a file whose first 32 bytes are the secret of retry tokens and stateless resets: a server that is started
 *             again with it resets the connections that it had before. Without it, the secret is random
 *
 * It prints the address on which it listens, by default 127.0.0.1:0, where the system chooses the port. At SIGTERM or
 * SIGINT it takes no more connections and requests, which it says to its clients (GOAWAY), and ends when all requests
 * have their answers; a second signal ends it at once.
 *
 * It keeps of each response 4 MiB at most; 100 requests may be open in a connection. Where a file is not in memory, the
 * server waits for the disk, and all its clients with it. */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/signal.h>
#include <trale/trale.h>

#include "../http/file.h"
#include "endpoint.h"
#include "responses.h"

#define STOP_SIGNALS (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT))

/* Ends the endpoint in order at the first signal, and at once when the time is up or at the second. */
struct limit {
    struct trale_future future;
    struct endpoint *endpoint;
    uint64_t grace_ns;
    struct trale_signal signal;
    struct trale_sleep grace;
    TRALE_BRANCHES(2) race;
};

trale_async(limit)
{
    trale_begin();
    trale_try(trale_signal_any(&self->signal, STOP_SIGNALS));
    endpoint_stop(self->endpoint);
    trale_try(trale_race_of(&self->race, trale_sleep(&self->grace, self->grace_ns),
                            trale_signal_any(&self->signal, STOP_SIGNALS)));
    endpoint_cut(self->endpoint);
    trale_return(0);
}

struct server {
    struct endpoint endpoint;
    struct responses responses;
    struct tls tls;
    uint64_t grace_ns;
    const char *secret; /* a file's name, or NULL */
};

static int server_open(struct server *server, struct trale *runtime, const char *address)
{
    struct trale_address local;
    char text[TRALE_ADDRESS_TEXT];
    int r = trale_address_parse(address, &local);
    server->endpoint.runtime = runtime;
    if (r == 0 && server->secret == NULL)
        r = trale_random_fill(runtime, server->endpoint.secret, sizeof server->endpoint.secret);
    if (r == 0)
        r = endpoint_open(&server->endpoint, &local);
    if (r == 0)
        r = trale_address_format(&server->endpoint.local, text, sizeof text);
    if (r < 0)
        return r;
    printf("listening on %s\n", text);
    fflush(stdout);
    return 0;
}

static bool read_secret(struct server *server)
{
    FILE *file = fopen(server->secret, "rb");
    bool is_read = file != NULL && fread(server->endpoint.secret, sizeof server->endpoint.secret, 1, file) == 1;
    if (file != NULL)
        fclose(file);
    return is_read;
}

static bool read_option(struct server *server, int option, const char *text)
{
    if (option == 'a')
        server->endpoint.always_retries = true;
    else if (option == 'O')
        server->endpoint.offloads = false;
    else if (option == 's')
        server->secret = text;
    if (strchr("aOs", option) != NULL)
        return true;
    char *end;
    uint64_t number = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || number == 0 || number > 1000000000)
        return false;
    if (option == 'c')
        server->endpoint.n_connections_max = number;
    else if (option == 'i')
        server->endpoint.idle_ns = number * TRALE_MILLISECOND;
    else
        server->grace_ns = number * TRALE_MILLISECOND;
    return true;
}

static int server_run(struct server *server, const char *address)
{
    struct trale *runtime;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    result = server_open(server, runtime, address);
    if (result == 0) {
        if ((STOP_SIGNALS & ~trale_signal_taken(runtime)) == 0)
            trale_detach(trale_spawn(runtime, limit, .endpoint = &server->endpoint, .grace_ns = server->grace_ns));
        result = trale_join(trale_spawn(runtime, endpoint_run, .endpoint = &server->endpoint));
    }
    trale_close(runtime); /* closes the socket as well */
    server->endpoint.socket = NULL;
    endpoint_close(&server->endpoint);
    if (result < 0)
        return trale_perror("quic_server", result);
    printf("connections %" PRIu64 ", answered %" PRIu64 ", cut %" PRIu64 ", retries %" PRIu64 ", paths %" PRIu64
           ", resets %" PRIu64 "\n",
           server->endpoint.n_accepted, server->responses.n_answers, server->responses.n_failures,
           server->endpoint.n_retries, server->endpoint.n_paths, server->endpoint.n_resets);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct server server = {.endpoint = {.application = &responses_application,
                                                .window = 256u << 10,
                                                .idle_ns = 30 * TRALE_SECOND,
                                                .n_connections_max = 1000,
                                                .offloads = true},
                                   .grace_ns = 5 * TRALE_SECOND};
    server.endpoint.tls = &server.tls;
    server.endpoint.context = &server.responses;
    bool is_understood = true;
    for (int option; (option = getopt(argc, argv, "aOc:i:g:s:")) != -1;)
        is_understood = option != '?' && is_understood && read_option(&server, option, optarg);
    if (!is_understood || argc - optind < 3 || argc - optind > 4) {
        fprintf(stderr,
                "usage: %s [-a] [-O] [-c CONNECTIONS] [-i MILLISECONDS] [-g MILLISECONDS] [-s FILE]\n"
                "           CERTIFICATE KEY FOLDER [ADDRESS]\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    if (server.secret != NULL && !read_secret(&server)) {
        fprintf(stderr, "%s: no file with %u bytes\n", server.secret, ENDPOINT_SECRET_SIZE);
        return EXIT_FAILURE;
    }
    int r = tls_open_server(&server.tls, argv[optind], argv[optind + 1]);
    if (r < 0) {
        fprintf(stderr, "%s, %s: %s\n", argv[optind], argv[optind + 1], gnutls_strerror(r));
        return EXIT_FAILURE;
    }
    server.responses.folder = http_folder_open(argv[optind + 2]);
    if (server.responses.folder < 0)
        return trale_perror(argv[optind + 2], server.responses.folder);
    r = server_run(&server, optind + 3 < argc ? argv[optind + 3] : "127.0.0.1:0");
    close(server.responses.folder);
    tls_close(&server.tls);
    return r;
}
