/* SPDX-License-Identifier: MIT
 *
 * An HTTP/1.1 server (RFC 9112) for the files of a folder: GET and HEAD, connections that stay open, requests that come
 * before the answer to the last one, and parts of files (RFC 9110, 14: one range, also with If-Range).
 *
 *     http_server [-k MILLISECONDS] [-t MILLISECONDS] [-g MILLISECONDS] [-c CLIENTS] FOLDER [ADDRESS]
 *         -k  how long a client may wait before it begins a request, default 60000
 *         -t  how long it may take to send the head of one, and to take 256 KiB of an answer, default 10000
 *         -g  how long requests may go on after a signal, default 5000
 *         -c  how many clients are served at once, default 1000; others wait to be accepted
 *
 * It prints the address on which it listens, by default 127.0.0.1:0, where the system chooses the port. Without ADDRESS
 * it takes a listener from a service manager (systemd.socket(5)), if there is one. At SIGTERM or SIGINT it accepts no
 * more clients, closes those that are idle, and ends when all requests have their answers; a second signal ends it at
 * once. That needs the signal driver, see examples/http_server.ini; without it, signals end the process.
 *
 * Where a file is not in memory, the server waits for the disk, and all its clients with it. */
#define _GNU_SOURCE 1 /* getopt(3) */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/signal.h>

#include "connection.h"

#define STOP_SIGNALS (trale_signal_bit(SIGTERM) | trale_signal_bit(SIGINT))

/* The body of the scope: accepts clients until it is notified to stop. */
struct acceptor {
    struct trale_future future;
    struct server *server;
    struct trale_scope *scope;
    struct trale_semaphore_acquire room;
    struct trale_stream_accept accept;
    struct trale_notify_wait stop;
    TRALE_BRANCHES(2) race;
};

/* Whether an accept that failed so may be tried again: it waits until there is room for another socket. */
static bool is_short(int64_t result)
{
    return result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM;
}

static int serve(struct acceptor *self)
{
    self->server->n_clients++;
    int r = trale_scope_spawn(self->scope, connection, .server = self->server, .socket = self->accept.socket);
    if (r == 0 || r == -ESHUTDOWN)
        return r;
    self->server->n_clients--;
    trale_stream_close(self->accept.socket);
    trale_semaphore_release(&self->server->room, 1);
    return r;
}

trale_async(acceptor)
{
    trale_begin();
    for (;;) {
        trale_await(trale_race_in_order_of(&self->race, trale_notify_wait(&self->stop, &self->server->stop),
                                           trale_semaphore_acquire(&self->room, &self->server->room, 1)));
        if (trale_result() != 1)
            trale_return(0);
        do {
            trale_await(trale_race_in_order_of(&self->race, trale_notify_wait(&self->stop, &self->server->stop),
                                               trale_stream_accept(&self->accept, self->server->listener)));
            if (trale_result() != 1)
                trale_return(0);
            if (is_short(self->race.branch[1].result))
                trale_perror("accept", self->race.branch[1].result);
        } while (is_short(self->race.branch[1].result));
        if (self->race.branch[1].result < 0)
            trale_return(self->race.branch[1].result);
        int r = serve(self);
        if (r < 0)
            trale_return(r);
    }
}

/* Resolves when the time is up: `grace_ns` after the first signal, or at the second. */
struct limit {
    struct trale_future future;
    struct server *server;
    struct trale_signal signal;
    struct trale_sleep grace;
    TRALE_BRANCHES(2) race;
};

trale_async(limit)
{
    trale_begin();
    trale_try(trale_signal_any(&self->signal, STOP_SIGNALS));
    self->server->is_stopping = true;
    trale_notify_all(&self->server->stop);
    trale_try(trale_race_of(&self->race, trale_sleep(&self->grace, self->server->grace_ns),
                            trale_signal_any(&self->signal, STOP_SIGNALS)));
    trale_return(0);
}

struct service {
    struct trale_future future;
    struct server *server;
    struct trale_scope scope;
    struct acceptor acceptor;
    struct limit limit;
    TRALE_BRANCHES(2) race;
};

trale_async(service)
{
    trale_begin();
    bool has_signals = (STOP_SIGNALS & ~trale_signal_taken(cx->runtime)) == 0;
    trale_try(trale_race_of(
        &self->race,
        trale_scope(&self->scope, trale_call(acceptor, &self->acceptor, .server = self->server, .scope = &self->scope)),
        has_signals ? trale_call(limit, &self->limit, .server = self->server) : NULL));
    trale_return(self->race.branch[trale_result()].result);
}

/* Opens the listener and prints its address. Accepted sockets have its options. 0 or a negative errno. */
static int server_listen(struct server *server, struct trale *runtime, const char *address)
{
    struct trale_address local;
    char text[TRALE_ADDRESS_TEXT];
    int r = address == NULL ? trale_stream_inherit_listener(runtime, "0", &server->listener) : -ENOENT;
    if (r == -ENOENT)
        r = trale_stream_listen(runtime, address != NULL ? address : "127.0.0.1:0", 0, &server->listener);
    if (r == 0)
        r = trale_stream_set_listener(server->listener, TRALE_STREAM_NO_DELAY, 1);
    if (r == 0)
        r = trale_stream_listener_local(server->listener, &local);
    if (r == 0)
        r = trale_address_format(&local, text, sizeof text);
    if (r < 0)
        return r;
    printf("listening on %s\n", text);
    fflush(stdout);
    return 0;
}

static bool read_option(struct server *server, int option, const char *text)
{
    char *end;
    uint64_t number = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || number == 0 || number > 1000000000)
        return false;
    if (option == 'c')
        server->room = (struct trale_semaphore)TRALE_SEMAPHORE(number);
    else if (option == 'k')
        server->idle_ns = number * TRALE_MILLISECOND;
    else if (option == 't')
        server->progress_ns = number * TRALE_MILLISECOND;
    else
        server->grace_ns = number * TRALE_MILLISECOND;
    return true;
}

int main(int argc, char **argv)
{
    struct server server = {.idle_ns = 60 * TRALE_SECOND,
                            .progress_ns = 10 * TRALE_SECOND,
                            .grace_ns = 5 * TRALE_SECOND,
                            .room = TRALE_SEMAPHORE(1000),
                            .stop = TRALE_NOTIFY};
    bool is_understood = true;
    for (int option; (option = getopt(argc, argv, "k:t:g:c:")) != -1;)
        is_understood = option != '?' && is_understood && read_option(&server, option, optarg);
    if (!is_understood || optind == argc || optind + 2 < argc) {
        fprintf(stderr,
                "usage: %s [-k MILLISECONDS] [-t MILLISECONDS] [-g MILLISECONDS] [-c CLIENTS] FOLDER [ADDRESS]\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    server.folder = http_folder_open(argv[optind]);
    if (server.folder < 0)
        return trale_perror(argv[optind], server.folder);

    struct trale *runtime;
    int64_t result = trale_open(&runtime, NULL);
    if (result < 0)
        return trale_perror("trale_open", result);
    result = server_listen(&server, runtime, argv[optind + 1]); /* NULL ends the arguments */
    if (result == 0)
        result = trale_join(trale_spawn(runtime, service, .server = &server));
    trale_close(runtime); /* closes the listener as well */
    if (result < 0)
        return trale_perror("http_server", result);
    printf("answered %" PRIu64 ", clients left %" PRIu64 "\n", server.n_answers, server.n_clients);
    return EXIT_SUCCESS;
}
