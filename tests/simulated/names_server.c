/* SPDX-License-Identifier: MIT
 *
 * A name server of a simulated network, over UDP and TCP: answers each query of a name of names.h after some time, and
 * ends at SIGTERM.
 *
 *     names_server ADDRESS */
#include <stdlib.h>

#include <trale/random.h>
#include <trale/signal.h>
#include <trale/stream.h>
#include <trale/timer.h>
#include <trale/udp.h>

#include "names.h"

static uint64_t delay_ns(struct trale *runtime)
{
    uint8_t byte = 0;
    (void)!trale_random_fill(runtime, &byte, 1);
    return byte / 8 * TRALE_MILLISECOND;
}

/* --- UDP ---------------------------------------------------------------------------------------------------------- */

struct datagram {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_address client;
    struct names_message answer;
    struct trale_sleep sleep;
    struct trale_udp_send send;
};

trale_async(datagram)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, delay_ns(cx->runtime)));
    /* It may fail, as where the client's port is closed by now: the client asks again. */
    trale_await(trale_udp_send_to(&self->send, self->socket, self->answer.bytes, self->answer.size, &self->client));
    trale_return(0);
}

struct serve_udp {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    uint8_t query[NAMES_QUERY];
};

/* Has a query of so many bytes answered, or returns -EPROTO. */
static int serve_query(struct serve_udp *self, struct trale *runtime, size_t n_bytes)
{
    uint32_t number;
    uint16_t type;
    struct names_message answer;
    const size_t end = names_read(self->query, n_bytes, &number, &type);
    if (end == 0) {
        printf("a query that is none, of %zu bytes\n", n_bytes);
        return -EPROTO;
    }
    names_answer(&answer, self->query, end, number, type, false);
    trale_detach(trale_spawn(runtime, datagram, .socket = self->socket, .client = self->recv.from, .answer = answer));
    return 0;
}

trale_async(serve_udp)
{
    int r;
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->query, sizeof self->query));
        if (trale_result() < 0)
            trale_return(trale_result());
        r = serve_query(self, cx->runtime, (size_t)trale_result());
        if (r < 0)
            trale_return(r);
    }
}

/* --- TCP ---------------------------------------------------------------------------------------------------------- */

/* A connection, which has one query. */
struct connection {
    struct trale_future future;
    struct trale_stream_socket *socket;
    size_t n_read;
    struct trale_stream_read read;
    struct trale_stream_write write;
    struct trale_sleep sleep;
    uint8_t query[2 + NAMES_QUERY];
    struct names_message answer;
    uint8_t prefix[2];
    struct iovec pieces[2];
};

static void connection_close(struct connection *self)
{
    trale_stream_close(self->socket);
}

/* 1: the query is there, and its answer in `pieces`; 0: more is to be read; or -EPROTO. */
static int connection_take(struct connection *self)
{
    uint32_t number;
    uint16_t type;
    if (self->n_read < 2 || self->n_read < 2 + ((size_t)self->query[0] << 8 | self->query[1]))
        return 0;
    const size_t end = names_read(self->query + 2, self->n_read - 2, &number, &type);
    if (end == 0)
        return -EPROTO;
    names_answer(&self->answer, self->query + 2, end, number, type, true);
    self->prefix[0] = (uint8_t)(self->answer.size >> 8);
    self->prefix[1] = (uint8_t)self->answer.size;
    self->pieces[0] = (struct iovec){self->prefix, 2};
    self->pieces[1] = (struct iovec){self->answer.bytes, self->answer.size};
    return 1;
}

trale_async_with(connection, connection_close)
{
    int taken;
    trale_begin();
    do {
        trale_try(trale_stream_read(&self->read, self->socket, self->query + self->n_read,
                                    sizeof self->query - self->n_read));
        if (trale_result() == 0)
            trale_return(0);
        self->n_read += (size_t)trale_result();
        taken = connection_take(self);
    } while (taken == 0);
    if (taken < 0) {
        printf("a query over TCP that is none\n");
        trale_return(taken);
    }
    trale_await(trale_sleep(&self->sleep, delay_ns(cx->runtime)));
    trale_try(trale_stream_writev(&self->write, self->socket, self->pieces, 2));
    trale_return(0);
}

struct serve_tcp {
    struct trale_future future;
    struct trale_stream_listener *listener;
    struct trale_stream_accept accept;
};

trale_async(serve_tcp)
{
    trale_begin();
    for (;;) {
        trale_try(trale_stream_accept(&self->accept, self->listener));
        trale_detach(trale_spawn(cx->runtime, connection, .socket = self->accept.socket));
    }
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

struct server {
    struct trale_future future;
    struct serve_udp udp;
    struct serve_tcp tcp;
    struct trale_signal signal;
    TRALE_BRANCHES(3) race;
};

trale_async(server)
{
    trale_begin();
    trale_try(trale_race_of(&self->race, trale_call(serve_udp, &self->udp, .socket = self->udp.socket),
                            trale_call(serve_tcp, &self->tcp, .listener = self->tcp.listener),
                            trale_signal(&self->signal, SIGTERM)));
    trale_return(trale_result() == 2 ? 0 : self->race.branch[trale_result()].result);
}

int main(int argc, char **argv)
{
    struct trale *runtime = NULL;
    struct trale_udp_socket *socket = NULL;
    struct trale_stream_listener *listener = NULL;
    int64_t r = argc == 2 ? trale_open(&runtime, NULL) : -EINVAL;
    if (r < 0)
        return trale_perror("names_server", r);
    r = trale_udp_open(runtime, argv[1], 0, &socket);
    if (r == 0)
        r = trale_stream_listen(runtime, argv[1], 0, &listener);
    if (r == 0)
        r = trale_join(trale_spawn(runtime, server, .udp.socket = socket, .tcp.listener = listener));
    trale_close(runtime);
    return r < 0 ? trale_perror("names_server", r) : EXIT_SUCCESS;
}
