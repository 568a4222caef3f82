/* SPDX-License-Identifier: MIT
 *
 * Sends texts to a UDP echo server, one after the other, and waits for each echo.
 *
 *     echo_client ADDRESS TEXT...
 *         ADDRESS  192.0.2.1:7, [2001:db8::1]:7, or with the driver `resolve` (examples/lookup.ini) a name: localhost:7
 *
 * Datagrams get lost, so each text has three tries of a second each. The exit status is not 0 if an echo is missing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trale/resolve.h>
#include <trale/timer.h>
#include <trale/trale.h>
#include <trale/udp.h>

#define N_TRIES 3

/* One try: sends the text and waits for its echo. */
struct attempt {
    struct trale_future future;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_udp_socket *socket;
    const char *text;
    char buf[65536];
};

trale_async(attempt)
{
    trale_begin();

    trale_try(trale_udp_send(&self->send, self->socket, self->text, strlen(self->text)));

    /* A late echo of an earlier text may come first: wait for the echo of this one. */
    do {
        trale_try(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));
    } while ((size_t)trale_result() != strlen(self->text) || memcmp(self->buf, self->text, strlen(self->text)) != 0);
    trale_return(trale_result());
}

/* An async function awaits other async functions like a driver's futures: embedded in its frame, here with a
 * timeout. */
struct client {
    struct trale_future future;
    struct trale_timeout timeout;
    struct trale_udp_socket *socket;
    const struct trale_address *server;
    char **texts; /* ends with NULL, like argv */
    int n_tries;
    uint64_t start_ns;
    int64_t n_missing;
    struct attempt attempt;
};

static void client_close(struct client *self)
{
    trale_udp_close(self->socket);
}

/* Opens a socket of the server's family and connects it, so that the kernel drops datagrams of all others. 0 or a
 * negative errno. */
static int client_connect(struct client *self, struct trale *runtime)
{
    struct trale_address any_port = {.any.sa_family = self->server->any.sa_family};
    int r = trale_udp_open_at(runtime, &any_port, 0, &self->socket);
    if (r < 0)
        return r;
    return trale_udp_connect(self->socket, self->server);
}

trale_async_with(client, client_close)
{
    trale_begin();

    int r = client_connect(self, cx->runtime);
    if (r < 0)
        trale_return(r);

    for (; *self->texts != NULL; self->texts++) {
        self->start_ns = trale_now(cx->runtime);
        self->n_tries = 0;
        do {
            self->n_tries++;
            trale_await(trale_timeout(&self->timeout,
                                      trale_call(attempt, &self->attempt, .socket = self->socket, .text = *self->texts),
                                      TRALE_SECOND));
        } while (trale_result() == -ETIMEDOUT && self->n_tries < N_TRIES);

        if (trale_result() < 0) {
            trale_perror(*self->texts, trale_result());
            self->n_missing++;
            continue;
        }
        printf("%.*s (%.3f ms, tries: %d)\n", (int)trale_result(), self->attempt.buf,
               (double)(trale_now(cx->runtime) - self->start_ns) / TRALE_MILLISECOND, self->n_tries);
    }
    trale_return(self->n_missing);
}

/* Reads a numeric address, or has the name looked up. 0 or a negative errno. */
static int64_t find_server(struct trale *runtime, const char *text, struct trale_address *server)
{
    char name[256];
    uint16_t port;
    struct trale_resolve resolve;
    int64_t r = trale_address_parse(text, server);
    if (r != -EINVAL)
        return r;
    r = trale_resolve_split(text, name, sizeof name, &port);
    if (r == 0) /* a single future needs no task: it runs here, in main's own memory */
        r = trale_block_on(runtime, trale_resolve(&resolve, TRALE_LOOKUP_ADDRESSES, name, port));
    if (r == 0)
        *server = resolve.address;
    return r;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s ADDRESS TEXT...\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct trale *runtime;
    int r = trale_open(&runtime, NULL);
    if (r < 0)
        return trale_perror("trale_open", r);

    struct trale_address server;
    int64_t result = find_server(runtime, argv[1], &server);
    if (result == 0) {
        struct client client;
        result = trale_block_on(runtime, trale_call(client, &client, .server = &server, .texts = argv + 2));
    }
    trale_close(runtime);

    if (result < 0)
        return trale_perror(argv[1], result);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
