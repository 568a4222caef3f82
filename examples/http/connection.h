/* SPDX-License-Identifier: MIT
 *
 * One client of the server: its requests, one after the other, and the answers. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <trale/scope.h>
#include <trale/stream_socket.h>
#include <trale/sync.h>
#include <trale/timer.h>

#include "file.h"
#include "request.h"

/* What the tasks of a server share. One thread polls them, so none of it needs a lock. */
struct server {
    struct trale_stream_listener *listener;
    int folder;
    uint64_t idle_ns;            /* how long a client may wait before it begins a request */
    uint64_t progress_ns;        /* how long it may take for a whole head, and for each piece of an answer */
    uint64_t grace_ns;           /* how long requests may go on after a signal */
    struct trale_semaphore room; /* for clients */
    struct trale_notify stop;
    bool is_stopping;
    uint64_t n_clients, n_answers;
    uint64_t date_s; /* the second that `date` is of */
    char date[32];
};

/* Reads until a whole head is in the buffer. Resolves to 0; to a status, if it is no head; or to an error, and there is
 * nothing to answer. */
struct receive {
    struct trale_future future;
    struct connection *connection;
    uint64_t deadline_ns;
    struct trale_stream_read read;
    struct trale_notify_wait stop;
    TRALE_BRANCHES(2) race;
    struct trale_timeout timeout;
};

/* Writes the answer. Resolves to 0, or to an error. */
struct answer {
    struct trale_future future;
    struct connection *connection;
    int status;
    uint64_t offset; /* in the file */
    size_t size;     /* of head */
    struct trale_stream_write write;
    struct trale_stream_sendfile sendfile;
    struct trale_timeout timeout;
    char head[4096]; /* and a short file */
};

/* A task; takes the socket over, and a permit of `room`. Resolves to 0. */
struct connection {
    struct trale_future future;
    struct server *server;
    struct trale_stream_socket *socket;
    bool has_file;
    struct http_file file; /* that is sent */
    struct http_request request;
    size_t n;      /* bytes in buf */
    size_t n_head; /* of them, the head that was received */
    size_t n_skip; /* bytes to come that mean nothing: the content of the last request */
    union {
        struct receive receive;
        struct answer answer;
    };
    char buf[HTTP_HEAD_MAX];
};
trale_async_declare(connection);

#endif
