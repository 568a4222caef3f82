/* SPDX-License-Identifier: MIT
 *
 * An HTTP/3 client (RFC 9114): downloads paths from a server, all at once over one connection, or over several.
 *
 *     quic_client [-t FILE] [-n NAME] [-o FOLDER] [-s FILE] [-c CONNECTIONS] [-m BYTES | -r BYTES]
 *                 [-b ADDRESS] [-O] [-i MILLISECONDS] ADDRESS PATH...
 *         -t  the certificates that it trusts, in PEM; default: those of the system
 *         -n  the server's name, as its certificate has it, default localhost
 *         -o  writes each path into a file of this folder, whose name is the path with '_' for '/'
 *         -s  what has to come: checksums as this client or sha256sum(1) has written them, a name being a path
 *         -c  over so many connections at once, each of which downloads all paths, default 1; not with -o
 *         -m  moves the connection to another port each time so many bytes have come (connection migration), but not
 *             faster than four probe timeouts after the last move
 *         -r  the same, but tells nobody, as if a NAT had forgotten the port
 *         -b  its own address, default 0.0.0.0:0 or [::]:0; and with -m and -r, given again, the one to move to
 *         -O  sends and receives each packet by itself, without the offloads of the kernel (GSO, GRO)
 *         -i  how long the connection may be silent, default 30000
 *
 * It prints a line for each path, as sha256sum(1) does, and last what has happened. The exit status is 0 if all of each
 * path has come. */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/random.h>
#include <trale/scope.h>
#include <trale/trale.h>

#include "checksum.h"
#include "downloads.h"

struct client {
    struct endpoint endpoint;
    struct downloads downloads;
};

/* What the command line says. */
struct plan {
    const char *trusted, *name, *folder, *checksums;
    struct trale_address server, own[2];
    size_t n_own, n_clients, n_paths;
    char **paths;
    bool offloads;
    uint64_t idle_ns, move_every;
    enum move move;
    struct tls *tls;
    struct client **clients;
};

/* --- before and after --------------------------------------------------------------------------------------------- */

static bool file_open(struct download *download, const char *folder)
{
    char name[4096];
    int n = snprintf(name, sizeof name, "%s/%s", folder, download->path + 1);
    if (n < 0 || (size_t)n >= sizeof name)
        return false;
    for (char *c = name + strlen(folder) + 1; *c != '\0'; c++)
        *c = *c == '/' ? '_' : *c;
    download->file = fopen(name, "wb");
    return download->file != NULL;
}

static struct client *client_new(const struct plan *plan)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    struct downloads *downloads = &client->downloads;
    *downloads = (struct downloads){
        .authority = plan->name, .move = plan->move, .move_every = plan->move_every, .n_until_move = plan->move_every};
    downloads->downloads = calloc(plan->n_paths, sizeof downloads->downloads[0]);
    for (size_t i = 0; i < plan->n_paths && downloads->downloads != NULL; i++) {
        struct download *download = &downloads->downloads[downloads->n];
        download->path = plan->paths[i];
        if (gnutls_hash_init(&download->hash, GNUTLS_DIG_SHA256) < 0)
            break;
        downloads->n_open = ++downloads->n;
        if (plan->folder != NULL && !file_open(download, plan->folder))
            break;
    }
    return client;
}

/* Closes the files and says what has come. Returns whether it is all. */
static bool client_free(struct client *client, const struct plan *plan)
{
    struct downloads *downloads = &client->downloads;
    bool is_whole = downloads->n == plan->n_paths;
    for (size_t i = 0; i < downloads->n; i++) {
        struct download *download = &downloads->downloads[i];
        bool is_written = download->file == NULL || fclose(download->file) == 0;
        gnutls_hash_deinit(download->hash, download->digest);
        is_whole = is_whole && is_written && download_is_whole(download);
        if (download_is_whole(download)) {
            char text[CHECKSUM_TEXT];
            bool is_right = plan->checksums == NULL ||
                            checksum_is_listed(plan->checksums, download->path, download->digest);
            checksum_format(download->digest, text);
            printf("%s  %s\n", text, download->path);
            if (!is_right)
                fprintf(stderr, "%s: not what %s says\n", download->path, plan->checksums);
            is_whole = is_whole && is_right;
        } else {
            fprintf(stderr, "%s: status %" PRIu32 ", %" PRIu64 " bytes\n", download->path, download->status,
                    download->n_bytes);
        }
    }
    free(downloads->downloads);
    free(client);
    return is_whole;
}

/* --- the tasks ---------------------------------------------------------------------------------------------------- */

static int client_begin(struct client *client, const struct plan *plan, struct trale *runtime)
{
    struct endpoint *endpoint = &client->endpoint;
    struct trale_address remote = plan->server;
    endpoint->runtime = runtime;
    endpoint->tls = plan->tls;
    endpoint->application = &downloads_application;
    endpoint->context = &client->downloads;
    endpoint->window = 4u << 20;
    endpoint->limits.idle_ns = endpoint->limits.handshake_ns = plan->idle_ns;
    endpoint->offloads = plan->offloads;
    endpoint->is_stopping = true; /* it ends with its connection */
    endpoint->move_to = plan->own[1];
    int r = trale_random_fill(runtime, endpoint->secret, sizeof endpoint->secret);
    if (r == 0)
        r = endpoint_open(endpoint, &plan->own[0]);
    if (r < 0)
        return r;
    const ngtcp2_path path = {.local = {&endpoint->local.any, trale_address_length(&endpoint->local)},
                              .remote = {&remote.any, trale_address_length(&remote)}};
    return connection_connect(endpoint, &path) != NULL ? 0 : -ENOMEM;
}

struct run {
    struct trale_future future;
    struct plan *plan;
    struct trale_scope *scope;
};

/* The body of the scope: one task for each connection. */
trale_async(run)
{
    trale_begin();
    for (size_t i = 0; i < self->plan->n_clients; i++) {
        struct client *client = self->plan->clients[i];
        int r = client_begin(client, self->plan, cx->runtime);
        if (r == 0)
            r = trale_scope_spawn(self->scope, endpoint_run, .endpoint = &client->endpoint);
        if (r < 0)
            trale_return(r);
    }
    trale_return(0);
}

struct all {
    struct trale_future future;
    struct plan *plan;
    struct trale_scope scope;
    struct run run;
};

trale_async(all)
{
    trale_begin();
    trale_try(trale_scope(&self->scope, trale_call(run, &self->run, .plan = self->plan, .scope = &self->scope)));
    trale_return(0);
}

static int plan_run(struct plan *plan)
{
    struct trale *runtime;
    uint64_t n_moves = 0, n_paths = 0;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    result = trale_join(trale_spawn(runtime, all, .plan = plan));
    trale_close(runtime); /* closes the sockets as well */
    bool is_whole = true;
    for (size_t i = 0; i < plan->n_clients; i++) {
        struct client *client = plan->clients[i];
        n_moves += client->endpoint.n_moves;
        n_paths += client->endpoint.n_paths;
        client->endpoint.socket = NULL;
        endpoint_close(&client->endpoint);
        is_whole = client_free(client, plan) && is_whole;
    }
    if (result < 0)
        return trale_perror("quic_client", result);
    printf("moved %" PRIu64 ", validated %" PRIu64 "\n", n_moves, n_paths);
    return is_whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- the command line --------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t *number)
{
    char *end;
    *number = strtoul(text, &end, 10);
    return end != text && *end == '\0' && *number > 0 && *number <= 1000000000;
}

static bool read_option(struct plan *plan, int option, const char *text)
{
    uint64_t number;
    switch (option) {
    case 't':
        plan->trusted = text;
        return true;
    case 'n':
        plan->name = text;
        return true;
    case 'o':
        plan->folder = text;
        return true;
    case 's':
        plan->checksums = text;
        return true;
    case 'O':
        plan->offloads = false;
        return true;
    case 'b':
        return plan->n_own < 2 && trale_address_parse(text, &plan->own[plan->n_own++]) == 0;
    case 'm':
    case 'r':
        plan->move = option == 'm' ? MOVE_MIGRATE : MOVE_REBIND;
        return read_number(text, &plan->move_every);
    case 'c':
        return read_number(text, &number) && (plan->n_clients = number) <= 1000;
    case 'i':
        return read_number(text, &number) && (plan->idle_ns = number * TRALE_MILLISECOND) > 0;
    }
    return false;
}

static bool plan_read(struct plan *plan, int argc, char **argv)
{
    bool is_understood = true;
    for (int option; (option = getopt(argc, argv, "t:n:o:s:c:m:r:b:Oi:")) != -1;)
        is_understood = is_understood && read_option(plan, option, optarg);
    if (!is_understood || argc - optind < 2 || (plan->n_clients > 1 && plan->folder != NULL) ||
        trale_address_parse(argv[optind], &plan->server) < 0)
        return false;
    plan->paths = argv + optind + 1;
    plan->n_paths = (size_t)(argc - optind - 1);
    for (size_t i = 0; i < plan->n_paths; i++)
        if (plan->paths[i][0] != '/')
            return false;
    const char *any = plan->server.any.sa_family == AF_INET ? "0.0.0.0:0" : "[::]:0";
    if (plan->n_own == 0 && trale_address_parse(any, &plan->own[plan->n_own++]) < 0)
        return false;
    if (plan->n_own == 1) {
        plan->own[1] = plan->own[0];
        trale_address_set_port(&plan->own[1], 0);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct plan plan = {.name = "localhost", .n_clients = 1, .offloads = true, .idle_ns = 30 * TRALE_SECOND};
    if (!plan_read(&plan, argc, argv)) {
        fprintf(stderr,
                "usage: %s [-t FILE] [-n NAME] [-o FOLDER] [-s FILE] [-c CONNECTIONS] [-m BYTES | -r BYTES]\n"
                "           [-b ADDRESS] [-O] [-i MILLISECONDS] ADDRESS PATH...\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    int r = tls_new_client(&plan.tls, plan.trusted, plan.name);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", plan.trusted, gnutls_strerror(r));
        return EXIT_FAILURE;
    }
    plan.clients = calloc(plan.n_clients, sizeof plan.clients[0]);
    for (size_t i = 0; plan.clients != NULL && i < plan.n_clients; i++)
        if ((plan.clients[i] = client_new(&plan)) == NULL)
            return trale_perror(argv[0], -ENOMEM);
    r = plan_run(&plan);
    free(plan.clients);
    tls_release(plan.tls);
    return r;
}
