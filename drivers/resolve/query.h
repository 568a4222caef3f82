/* SPDX-License-Identifier: MIT
 *
 * One question, and the servers that are asked until one has an answer. */
#ifndef RESOLVE_QUERY_H
#define RESOLVE_QUERY_H

#include "message.h"
#include "resolver.h"
#include "tcp.h"
#include "turn.h"

enum query_state {
    QUERY_ENDED,   /* It has its result, or was never begun. It holds nothing. */
    QUERY_WAITING, /* It waits for its turn, for too many are in flight. */
    QUERY_READY,   /* It has its turn, and asks the next server when it is polled. */
    QUERY_ASKING,  /* It has a socket, through which a server is asked. */
    QUERY_TCP,     /* It has a connection to the same server, whose answer was cut off. */
};

struct query {
    struct resolver *resolver;
    enum query_state state;
    const char *name; /* lent */
    uint16_t type, port;
    bool has_edns;
    bool is_sent;        /* the datagram */
    bool has_answered;   /* `error` is what a server has said */
    int error;           /* why there is no answer yet */
    uint64_t n_asked;    /* servers so far, in all tries */
    size_t first_server; /* of the system's */
    struct trale_address server;
    uint64_t deadline_ns;
    struct turn turn;
    struct query_message message;
    struct trale_udp_socket *socket;
    /* Futures; each is pending while its type is not NULL. */
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_sleep sleep;
    struct tcp tcp;
    uint8_t answer[UDP_ANSWER_SIZE];
};

/* Begins it, and lends it the name until it ends. 0; or an error of message_write, and it has ended. */
int query_begin(struct query *query, struct resolver *resolver, const char *name, uint16_t type, uint16_t port);

/* [inside poll] TRALE_PENDING; or its result, and it has ended: 0, and the records were appended; or one of the errors
 * of resolve.h. */
int64_t query_poll(struct query *query, struct trale_context *context, struct trale_link *records);

/* Takes back the wakers of the last poll: the query was left. The next poll goes on. */
void query_suspend(struct query *query);

/* Ends it at once. [executor; stop, if it is suspended] */
void query_end(struct query *query);

#endif
