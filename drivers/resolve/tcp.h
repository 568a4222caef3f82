/* SPDX-License-Identifier: MIT
 *
 * Questions over TCP (RFC 7766): one connection each, every message behind its length. A task of the driver's own works
 * on them, so they go on between two waits of a lookup: a connect that is dropped would be given up. */
#ifndef RESOLVE_TCP_H
#define RESOLVE_TCP_H

#include <trale/stream.h>

#include "list.h"
#include "message.h"

/* The driver's task, one of each instance. */
struct tcp_task {
    struct trale_future future;
    const struct trale_stream *stream;
    const struct trale_waker *waker; /* its own; NULL before its first poll */
    struct trale_link calls;         /* that it works on, by their `link` */
};

enum tcp_state {
    TCP_CLOSED,     /* There is no question. All zero is this state. */
    TCP_CONNECTING, /* `connect` is pending; there is no socket. */
    TCP_WRITING,    /* `write` is pending. */
    TCP_READING,    /* `read` is pending, for the length or for the answer. */
    TCP_DONE,       /* `result` is there; the socket is closed. */
};

struct tcp {
    struct trale_link link;
    struct tcp_task *task;
    enum tcp_state state;
    int result;
    const struct trale_waker *waker; /* of the query's last poll, lent; NULL: it is not waited for */
    struct trale_stream_socket *socket;
    union {
        struct trale_future future;
        struct trale_stream_connect connect;
        struct trale_stream_write write;
        struct trale_stream_read read;
    } operation;
    size_t n_received;
    uint8_t prefix[2]; /* of the answer */
    uint8_t query[2 + QUERY_SIZE];
    size_t query_size;
    uint8_t *answer; /* as long as its prefix says; NULL before that is there */
    size_t answer_size;
};

/* Spawns the task, which ends before stop. 0 or -ENOMEM. [start] */
int tcp_task_start(struct tcp_task *task, const struct trale_host *host, const struct trale_stream *stream);

/* Begins a question to the server. */
void tcp_open(struct tcp *tcp, struct tcp_task *task, const struct trale_address *server,
              const struct query_message *query);

/* [inside poll] TRALE_PENDING; 0: the answer is there; or a negative errno. */
int64_t tcp_poll(struct tcp *tcp, struct trale_context *context);

/* Takes the waker back. The question goes on. */
void tcp_suspend(struct tcp *tcp);

/* Ends the question, if there is one. */
void tcp_close(struct tcp *tcp);

#endif
