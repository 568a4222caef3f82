/* SPDX-License-Identifier: MIT
 *
 * trale.stream/1 over the endpoints of the world. The world has what a kernel would have; here are the futures that
 * wait. */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <trale/stream_socket.h>
#include <trale/stream_unix.h>

#include "endpoint.h"
#include "program.h"

struct tasks;

struct stream {
    struct trale_stream table;
    struct program *program;
    struct tasks *tasks;
    bool is_off;          /* a replay, for recordings have no streams: listens and connects are -EOPNOTSUPP */
    bool has_said_so : 1; /* in the log */
    uint32_t backlog;
    uint32_t receive_buffer, send_buffer; /* 0: as they are */
    struct trale_link open;               /* sockets, by their `link` */
    struct trale_link closed;             /* likewise: their memory is that of the next ones */
};

/* What operations of a socket wait for: bit 1 << this is that of ENDPOINT_READABLE and so on. */
enum stream_wait { STREAM_READS, STREAM_WRITES, STREAM_WAITS };

/* A connection or a listener. */
struct stream_socket {
    union {
        struct trale_stream_socket connection; /* first: what applications pass on */
        struct trale_stream_listener listener;
    };
    struct stream *stream;
    struct endpoint *endpoint; /* in the world; NULL: it is closed */
    struct trale_link link;
    struct trale_link waiting[STREAM_WAITS];    /* operations, by the link of their `wait` */
    uint64_t generation;                        /* how many sockets this memory has been */
    const struct trale_future *reader, *writer; /* the read, and the write, that waits */
};

static inline struct stream_socket *stream_connection(struct trale_stream_socket *socket)
{
    return (struct stream_socket *)(void *)socket;
}

static inline struct stream_socket *stream_listener(struct trale_stream_listener *listener)
{
    return (struct stream_socket *)(void *)listener;
}

/* A socket without an endpoint yet, and closed. Its memory is used for sockets alone until stream_free, so that
 * operations can still compare the generation. NULL: no memory. */
struct stream_socket *stream_new(struct stream *stream);

/* The socket has this endpoint, and is open. */
void stream_open(struct stream_socket *socket, struct endpoint *endpoint);

/* Closes it, and ends its waits; or gives it back if it was not opened. */
void stream_end(struct stream_socket *socket);

/* Frees the memory of closed sockets, when no operation is left. */
void stream_free(struct stream *stream);

/* Wakes the operations that wait for what has come to sockets of this program. Call it after whatever may deliver. */
void stream_wake_ready(struct stream *stream);

#endif
