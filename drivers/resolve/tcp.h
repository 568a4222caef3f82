/* SPDX-License-Identifier: MIT
 *
 * A question over TCP (RFC 7766): one connection, each message behind its length. It is a socket of the driver's own,
 * and not one of trale.stream/1: there, a connect that is dropped is given up, and here it goes on between two
 * waits. */
#ifndef RESOLVE_TCP_H
#define RESOLVE_TCP_H

#include <trale/driver.h>

#include "message.h"

struct tcp {
    const struct trale_host *host;
    int fd; /* -1: none */
    struct trale_wait wait;
    size_t n_sent, n_received;
    uint8_t prefix[2]; /* of the answer */
    uint8_t query[2 + QUERY_SIZE];
    size_t query_size;
    uint8_t *answer; /* as long as its prefix says; NULL before that is there */
    size_t answer_size;
};

/* Begins to connect, and to send. 0 or a negative errno: there is nothing to close. */
int tcp_open(struct tcp *tcp, const struct trale_host *host, const struct trale_address *server,
             const struct query_message *query);

/* [inside poll] TRALE_PENDING; 0: the answer is there; or a negative errno. */
int64_t tcp_poll(struct tcp *tcp, struct trale_context *context);

/* Takes the waker back. */
void tcp_suspend(struct tcp *tcp);

/* Does nothing if there is no connection. */
void tcp_close(struct tcp *tcp);

#endif
