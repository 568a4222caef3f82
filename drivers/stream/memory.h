/* SPDX-License-Identifier: MIT
 *
 * The instance, and the memory of its sockets. A closed socket's memory is used for a later one, and freed only when
 * the driver stops: an operation of a closed socket looks at the generation before anything else. All other files of
 * the driver include this one. */
#ifndef STREAM_MEMORY_H
#define STREAM_MEMORY_H

#include <stdbool.h>

#include <trale/stream_socket.h>
#include <trale/stream_unix.h>
#include <trale/timer.h>

#include "open_fds.h"

/* What waits until a file descriptor may be free again, or a Unix listener has room: see retry.h. */
struct stream_retry {
    struct trale_future task; /* the driver's own */
    struct trale_sleep sleep;
    struct trale_link paused;        /* of struct trale_wait, by `link` */
    const struct trale_waker *waker; /* the task's; NULL: it was not polled yet */
    bool is_sleeping;
    int32_t error; /* the timer has failed, for the next operation that would pause; 0: no */
};

struct stream {
    struct trale_stream table;
    struct trale_host host;
    const struct trale_timer *timer;
    int64_t receive_buffer, send_buffer, backlog;
    struct stream_retry retry;
    struct stream_socket *all, *free; /* all that were ever made, by next_made; the closed ones, by next_free */
    struct open_fds open_fds;         /* see inherit.c */
    uint32_t generation;              /* of the last socket that was made */
};

/* A connection or a listener. */
struct stream_socket {
    union {
        struct trale_stream_socket connection; /* first: what applications pass on */
        struct trale_stream_listener listener;
    };
    struct stream *stream;
    struct stream_socket *next_made, *next_free;
    uint32_t generation; /* no other open socket has it; 0: closed */
    int fd;
    const struct trale_future *reader, *writer; /* the read, and the write, that waits */
    uint32_t n_looks;                           /* of the executor, when the last read began to wait before it tried */
    int16_t error;       /* why the connection broke off, once an operation has found it; 0: it has not */
    uint8_t family;      /* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC: a pipe */
    bool reads_wait : 1; /* the last read had to wait, see read.c */
    bool is_drained : 1; /* the last read has taken all that was there, see read.c */
    bool is_starved : 1; /* a listener: it has reported that there is no room for sockets, see accept.c */
};
_Static_assert(sizeof(struct stream_socket) == 64, "what a socket costs");

static inline bool stream_is_pipe(const struct stream_socket *socket)
{
    return socket->family == AF_UNSPEC;
}

static inline struct stream_socket *stream_connection(struct trale_stream_socket *socket)
{
    return (struct stream_socket *)(void *)socket;
}
static inline struct stream_socket *stream_listener(struct trale_stream_listener *listener)
{
    return (struct stream_socket *)(void *)listener;
}

/* Room for a socket, all zero but for `stream` and its place; it is closed until it has a generation. NULL: no
 * memory. */
struct stream_socket *stream_memory_get(struct stream *stream);

/* Gives it a generation. It has its fd. */
void stream_memory_open(struct stream_socket *socket);

/* Takes the room back, and sets the generation to 0. */
void stream_memory_put(struct stream_socket *socket);

/* Frees all, when no operation is left. */
void stream_memory_free(struct stream *stream);

#endif
