/* SPDX-License-Identifier: MIT
 *
 * A UDP echo server (RFC 862): sends every datagram back to its sender.
 *
 *     echo_server [-n COUNT] [ADDRESS]       default 127.0.0.1:0, where the system chooses the port
 *
 * Without ADDRESS it takes a socket from a service manager (systemd.socket(5)), if there is one. It prints the address
 * on which it listens, and runs until SIGINT or SIGTERM, or until COUNT datagrams have come.
 */
#define _GNU_SOURCE 1 /* getopt(3), sigwait(3) */

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/trale.h>
#include <trale/udp_socket.h>

struct server {
    struct trale_future future;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_udp_socket *socket;
    const char *address; /* NULL: inherited, or any */
    uint64_t count;      /* 0: no end */
    uint64_t n_datagrams;
    char buf[65536]; /* no datagram is longer */
};

/* Runs once, however the server ends: by itself, by an error, or because it was aborted during an await. */
static void server_close(struct server *self)
{
    trale_udp_close(self->socket);
}

/* Opens the socket and prints its address, with the port that the system chose. 0 or a negative errno. */
static int server_listen(struct server *self, struct trale *runtime)
{
    struct trale_address local;
    char text[TRALE_ADDRESS_TEXT];

    int r = self->address == NULL ? trale_udp_inherit(runtime, "0", &self->socket) : -ENOENT;
    if (r == -ENOENT)
        r = trale_udp_open(runtime, self->address != NULL ? self->address : "127.0.0.1:0", 0, &self->socket);
    if (r == 0)
        r = trale_udp_local(self->socket, &local);
    if (r == 0)
        r = trale_address_format(&local, text, sizeof text);
    if (r < 0)
        return r;
    printf("listening on %s\n", text);
    fflush(stdout);
    return 0;
}

trale_async_with(server, server_close)
{
    trale_begin();

    int r = server_listen(self, cx->runtime); /* a local variable lives until the next await */
    if (r < 0)
        trale_return(r);

    while (self->count == 0 || self->n_datagrams < self->count) {
        trale_try(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        self->n_datagrams++;

        trale_await(trale_udp_send_to(&self->send, self->socket, self->buf, (size_t)trale_result(), &self->recv.from));
        if (trale_result() < 0) /* one peer is unreachable: go on serving the others */
            trale_perror("send", trale_result());
    }
    trale_return(0);
}

/* A thread of its own waits for the signal and aborts the task. This works in every thread layout. */
static sigset_t stop_signals; /* set once, by main */

static void *stop_at_signal(void *server)
{
    int number;
    sigwait(&stop_signals, &number);
    trale_abort(server);
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t count = 0;
    for (int option; (option = getopt(argc, argv, "n:")) != -1;) {
        if (option != 'n' || sscanf(optarg, "%" SCNu64, &count) != 1) {
            fprintf(stderr, "usage: %s [-n COUNT] [ADDRESS]\n", argv[0]);
            return EXIT_FAILURE;
        }
    }

    /* Blocks the signals before there is any thread: the runtime's threads inherit it, and sigwait gets the signal. */
    sigemptyset(&stop_signals);
    sigaddset(&stop_signals, SIGINT);
    sigaddset(&stop_signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop_signals, NULL);

    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);

    struct trale_task *server = trale_spawn(runtime, server, .address = optind < argc ? argv[optind] : NULL,
                                            .count = count);
    pthread_t stopper;
    r = pthread_create(&stopper, NULL, stop_at_signal, server);
    if (r != 0) {
        trale_close(runtime);
        return trale_perror("pthread_create", -r);
    }

    /* trale_join gives the handle up, so it comes last, when the other thread no longer uses it. */
    trale_run(runtime);
    pthread_kill(stopper, SIGTERM);
    pthread_join(stopper, NULL);
    int64_t result = trale_join(server);
    trale_close(runtime);

    if (result < 0 && result != -ECANCELED) /* -ECANCELED: it was aborted, as intended */
        return trale_perror("echo_server", result);
    return EXIT_SUCCESS;
}
