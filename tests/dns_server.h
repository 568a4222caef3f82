/* SPDX-License-Identifier: MIT
 *
 * A name server for tests: tasks of the runtime under test, on UDP and TCP. What it answers
 * depends on the name: see dns_server_answer. */
#ifndef TRALE_TESTS_DNS_SERVER_H
#define TRALE_TESTS_DNS_SERVER_H

#include <stdatomic.h>

#include <trale/resolve.h>
#include <trale/stream_socket.h>
#include <trale/udp_socket.h>

#include "tests/dns_answer.h"

struct dns_server {
    int udp, tcp; /* -1 in a simulation; the runtime owns them once it serves */
    char address[TRALE_ADDRESS_TEXT];
    struct trale *runtime;
    _Atomic int n_queries, n_streams, n_streams_ended;
    char asked[4096]; /* the names that were asked for, those of type A alone, each with a blank behind it */
    _Atomic bool holds_v6, is_silent;
};

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static inline int dns_server_bind(int type, uint16_t port)
{
    const struct sockaddr_in local = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (bind(fd, (const struct sockaddr *)&local, sizeof local) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Takes an address, so that trale.ini can name it before the runtime is there: one port for UDP and TCP. */
static inline void dns_server_init(struct dns_server *server)
{
    memset(server, 0, sizeof *server);
    server->udp = server->tcp = -1;
    strcpy(server->address, "127.0.0.1:5353");
    while (!test_is_simulated() && server->tcp < 0) {
        struct sockaddr_in local;
        socklen_t size = sizeof local;
        server->udp = dns_server_bind(SOCK_DGRAM, 0);
        assert_int_equal(getsockname(server->udp, (struct sockaddr *)&local, &size), 0);
        server->tcp = dns_server_bind(SOCK_STREAM, ntohs(local.sin_port));
        snprintf(server->address, sizeof server->address, "127.0.0.1:%u", ntohs(local.sin_port));
        if (server->tcp < 0)
            close(server->udp);
    }
    if (server->tcp >= 0)
        assert_int_equal(listen(server->tcp, 16), 0);
}

/* --- UDP ---------------------------------------------------------------------------------------------------------- */

static inline void dns_server_note(struct dns_server *server, const struct dns_query *query)
{
    size_t used = strlen(server->asked);
    server->n_queries++;
    if (query->type == DNS_A && used + strlen(query->name) + 2 < sizeof server->asked)
        sprintf(server->asked + used, "%s ", query->name);
}

struct dns_serve {
    struct trale_future future;
    struct dns_server *server;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct dns_query query;
    int lie;
    uint8_t buf[1500];
    struct dns_message answer;
};

trale_async(dns_serve)
{
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        if (trale_result() == -ECONNREFUSED)
            continue;
        if (trale_result() < 0)
            trale_return(trale_result());
        if (!dns_query_read(&self->query, self->buf, (size_t)trale_result()))
            continue;
        dns_server_note(self->server, &self->query);
        if (self->server->is_silent || (self->server->holds_v6 && self->query.type == DNS_AAAA))
            continue;
        for (self->lie = dns_lies(&self->query); self->lie >= 0; self->lie--) {
            if (!dns_answer(&self->answer, &self->query, false))
                break;
            dns_falsify(&self->answer, self->lie);
            trale_await(
                trale_udp_send_to(&self->send, self->socket, self->answer.bytes, self->answer.size, &self->recv.from));
        }
    }
}

/* --- TCP ---------------------------------------------------------------------------------------------------------- */

struct dns_serve_tcp {
    struct trale_future future;
    struct dns_server *server;
    struct trale_stream_listener *listener;
    struct trale_stream_accept accept;
    struct trale_stream_read read;
    struct trale_stream_write write;
    size_t n_read;
    struct dns_query query;
    uint8_t buf[2 + 1500];
    struct dns_message answer;
    uint8_t prefix[2];
    struct iovec pieces[2];
};

static inline bool dns_tcp_has_query(const struct dns_serve_tcp *self)
{
    return self->n_read > 2 && self->n_read >= 2 + ((size_t)self->buf[0] << 8 | self->buf[1]);
}

/* Whether there is an answer, which `pieces` are then. */
static inline bool dns_tcp_answer(struct dns_serve_tcp *self)
{
    if (!dns_tcp_has_query(self) || !dns_query_read(&self->query, self->buf + 2, self->n_read - 2) ||
        !dns_answer(&self->answer, &self->query, true))
        return false;
    self->prefix[0] = (uint8_t)(self->answer.size >> 8);
    self->prefix[1] = (uint8_t)self->answer.size;
    self->pieces[0] = (struct iovec){self->prefix, 2};
    self->pieces[1] = (struct iovec){self->answer.bytes, self->answer.size};
    if (dns_is(&self->query, "halftcp"))
        self->pieces[1].iov_len /= 2;
    return true;
}

trale_async(dns_serve_tcp)
{
    trale_begin();
    for (;;) {
        trale_try(trale_stream_accept(&self->accept, self->listener));
        self->server->n_streams++;
        self->n_read = 0;
        do {
            trale_await(trale_stream_read(&self->read, self->accept.socket, self->buf + self->n_read,
                                          sizeof self->buf - self->n_read));
            self->n_read += trale_result() > 0 ? (size_t)trale_result() : 0;
        } while (trale_result() > 0 && !dns_tcp_has_query(self));
        if (dns_tcp_answer(self))
            trale_await(trale_stream_writev(&self->write, self->accept.socket, self->pieces, 2));
        if (dns_is(&self->query, "mutetcp"))
            trale_await(trale_stream_read(&self->read, self->accept.socket, self->buf, sizeof self->buf));
        self->server->n_streams_ended++;
        trale_stream_close(self->accept.socket);
    }
}

/* Begins to serve, on the thread that polls. */
static inline void dns_server_begin(void *data)
{
    struct dns_server *server = data;
    struct trale_udp_socket *socket;
    struct trale_stream_listener *listener;
    int r = server->udp < 0 ? trale_udp_open(server->runtime, server->address, 0, &socket)
                            : trale_udp_adopt(server->runtime, server->udp, &socket);
    assert_int_equal(r, 0);
    r = server->tcp < 0 ? trale_stream_listen(server->runtime, server->address, 0, &listener)
                        : trale_stream_adopt_listener(server->runtime, server->tcp, &listener);
    assert_int_equal(r, 0);
    trale_detach(trale_spawn(server->runtime, dns_serve_tcp, .server = server, .listener = listener));
    trale_detach(trale_spawn(server->runtime, dns_serve, .server = server, .socket = socket));
}

/* Serves until the runtime closes. */
static inline void dns_server_start(struct dns_server *server, struct trale *runtime)
{
    server->runtime = runtime;
    test_call_in_task(runtime, dns_server_begin, server);
}

#endif
