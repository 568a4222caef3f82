/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.stream/1": connections that carry bytes in order, TCP (RFC 9293) and Unix stream sockets
 * (unix(7)), and ends of pipes that a program has (trale_stream_adopt). Offered by drivers/stream/stream.c, used
 * through the functions at the end.
 *
 * Addresses are numeric; nothing here resolves names. Unix sockets are made by the functions of stream_unix.h, and then
 * used as those of TCP. A socket belongs to the runtime that made it, and is used on the executor thread. Before any
 * task runs, or with threads = 0, the thread that opened the runtime may listen, adopt and configure, but not close,
 * because drivers have tasks of their own.
 *
 * END AND RESET. A read that resolves to 0 is the end of the stream: the peer has written all that it wanted to, and
 * all of it was read. A connection that broke off is -ECONNRESET, or another error that says why, for every read and
 * every write from then on, but for bytes that had arrived before: those are read first. It is never 0.
 *
 * WAITING. One read and one write of a socket may wait at the same time, and only one of each, for the bytes of two
 * would be mixed: another one resolves to -EBUSY. A read waits from a poll without a result until it resolves or is
 * dropped, and so does a write. Any number of accepts may wait. No signal SIGPIPE is raised.
 *
 * Functions marked [any] may be called on any thread. Errors are negative errno values.
 */
#ifndef TRALE_STREAM_H
#define TRALE_STREAM_H

#include <trale/trale.h>

#include <trale/address.h>
#include <trale/driver.h>
#include <trale/stream_option.h>

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection, and a listener. A driver's own begin with these; applications use only the pointers. The driver sets
 * the table when it makes the socket, and does not read it: a layer (layer.h) replaces it by its own, also in sockets
 * that its accepts and connects resolve with. */
struct trale_stream_socket {
    const struct trale_stream *stream;
};
struct trale_stream_listener {
    const struct trale_stream *stream;
};

/* In operations, `wait`, `future.own` and what is marked [driver] are the driver's, from the call that makes
 * the future to its end; before that they are zero. */

/* An accept. */
struct trale_stream_accept {
    struct trale_future future;
    struct trale_stream_listener *listener;
    /* Set when it resolved to 0: */
    struct trale_stream_socket *socket; /* the caller's, to be closed */
    struct trale_address peer;          /* its address; AF_UNSPEC for Unix sockets */
    uint32_t reserved;

    struct trale_wait wait;
};

/* A connect. */
struct trale_stream_connect {
    struct trale_future future;
    void *driver;                       /* [driver] */
    struct trale_stream_socket *socket; /* when it resolved to 0, the caller's, to be closed; until then [driver] */
    const char *path;                   /* of a Unix socket, lent (stream_unix.h); NULL: TCP */
    struct trale_address to, from;      /* of TCP; `from` AF_UNSPEC: the system's choice */
    uint64_t reserved;

    struct trale_wait wait;
};

struct trale_stream_read;
struct trale_stream_write;
struct trale_stream_sendfile;
struct trale_stream_credentials;

#define TRALE_STREAM_1_SIZE 216
#define TRALE_STREAM_1 TRALE_INTERFACE("trale.stream/1", TRALE_STREAM_1_SIZE)

struct trale_stream {
    struct trale_interface interface; /* version 1 */

    /* The contracts are those of the trale_stream_ functions. */
    int32_t (*listen)(void *instance, const struct trale_address *local, uint32_t flags,
                      struct trale_stream_listener **listener);
    void (*close_listener)(void *instance, struct trale_stream_listener *listener);
    int32_t (*listener_local)(void *instance, struct trale_stream_listener *listener, struct trale_address *address);
    int32_t (*set_listener)(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t value);
    int32_t (*get_listener)(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t *value);
    void (*close)(void *instance, struct trale_stream_socket *socket);
    int32_t (*shutdown)(void *instance, struct trale_stream_socket *socket, uint32_t directions);
    int32_t (*local)(void *instance, struct trale_stream_socket *socket, struct trale_address *address);
    int32_t (*peer)(void *instance, struct trale_stream_socket *socket, struct trale_address *address);
    int32_t (*set)(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t value);
    int32_t (*get)(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t *value);
    /* Make *op a future: the driver sets its `type`, here and in polls alone, for a layer (layer.h) may have replaced
     * it. The caller has set what it passes; the rest is zero. */
    void (*accept)(void *instance, struct trale_stream_accept *op);
    void (*connect)(void *instance, struct trale_stream_connect *op);
    void (*read)(void *instance, struct trale_stream_read *op);
    void (*write)(void *instance, struct trale_stream_write *op);
    /* In stream_socket.h: */
    void (*sendfile)(void *instance, struct trale_stream_sendfile *op);
    int64_t (*try_read)(void *instance, struct trale_stream_socket *socket, void *buf, uint64_t size);
    int64_t (*try_write)(void *instance, struct trale_stream_socket *socket, const void *buf, uint64_t size);
    int32_t (*adopt)(void *instance, int32_t fd, struct trale_stream_socket **socket);
    int32_t (*adopt_listener)(void *instance, int32_t fd, struct trale_stream_listener **listener);
    int32_t (*inherit)(void *instance, const char *name, struct trale_stream_socket **socket);
    int32_t (*inherit_listener)(void *instance, const char *name, struct trale_stream_listener **listener);
    int32_t (*release)(void *instance, struct trale_stream_socket *socket);
    /* In stream_unix.h: */
    int32_t (*listen_unix)(void *instance, const char *path, struct trale_stream_listener **listener);
    int32_t (*peer_credentials)(void *instance, struct trale_stream_socket *socket,
                                struct trale_stream_credentials *credentials);
};

/* The runtime's stream interface; NULL: no driver offers it. [any] */
static inline const struct trale_stream *trale_stream(struct trale *runtime)
{
    return (const struct trale_stream *)trale_interface(runtime, TRALE_STREAM_1, sizeof(struct trale_stream));
}

/* --- listeners ---------------------------------------------------------------------------------------------------- */

/* Opens a TCP socket of the family of `local`, binds it to that address, and listens; for port 0 the kernel chooses a
 * port. A port whose former connections the kernel still remembers can be bound (SO_REUSEADDR, socket(7)). Does not
 * wait. Returns 0, or -ENODEV (no driver offers streams), -EINVAL (unknown flag), -EAFNOSUPPORT, -EADDRINUSE,
 * -EADDRNOTAVAIL, -EACCES (privileged port), -EMFILE, -ENFILE, -ENOMEM, or another error of bind(2). */
TRALE_CHECK_RESULT static inline int trale_stream_listen_at(struct trale *runtime, const struct trale_address *local,
                                                            uint32_t flags, struct trale_stream_listener **listener)
{
    const struct trale_stream *stream = trale_stream(runtime);
    return stream == NULL ? -ENODEV : stream->listen(stream->interface.instance, local, flags, listener);
}

/* The same with the address as text (trale_address_parse); more errors: -EINVAL (not an address), -ENODEV (no such
 * zone). */
TRALE_CHECK_RESULT static inline int trale_stream_listen(struct trale *runtime, const char *local, uint32_t flags,
                                                         struct trale_stream_listener **listener)
{
    struct trale_address address;
    int r = trale_address_parse(local, &address);
    return r < 0 ? r : trale_stream_listen_at(runtime, &address, flags, listener);
}

/* Closes the listener at once. Its accepts that have no result yet resolve to -ECANCELED at their next poll, also if it
 * is their first; they may be dropped instead. Connections that were not accepted yet are reset. After this call no
 * function may be called with the listener. NULL is allowed. When the driver stops, it closes what is still open. */
static inline void trale_stream_close_listener(struct trale_stream_listener *listener)
{
    if (listener != NULL)
        listener->stream->close_listener(listener->stream->interface.instance, listener);
}

/* Reads the address that the listener is bound to, with the port that the kernel chose. 0, or -EAFNOSUPPORT: a Unix
 * socket. */
static inline int trale_stream_listener_local(struct trale_stream_listener *listener, struct trale_address *address)
{
    return listener->stream->listener_local(listener->stream->interface.instance, listener, address);
}

/* As trale_stream_set and trale_stream_get. Sockets that are accepted from now on have the option too, but for
 * TRALE_STREAM_BACKLOG. */
static inline int trale_stream_set_listener(struct trale_stream_listener *listener, uint32_t option, int64_t value)
{
    return listener->stream->set_listener(listener->stream->interface.instance, listener, option, value);
}
static inline int trale_stream_get_listener(struct trale_stream_listener *listener, uint32_t option, int64_t *value)
{
    return listener->stream->get_listener(listener->stream->interface.instance, listener, option, value);
}

/* A future that waits for a connection. Resolves to 0, and sets `socket` and `peer`. Or to:
 *   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  There is no room for another socket. It is reported once: the accepts
 *                  after this one try again each time a socket of this driver was closed, and every 10 ms, and wait in
 *                  between; the next shortage is reported when an accept has succeeded. The connections stay in the
 *                  listener's queue.
 *   -EPERM         The process is not allowed to: each accept says so again, for nothing tells when that changes.
 *   -ECANCELED     The listener was closed.
 * or to another error of accept(2). A connection that has broken off before it was accepted is passed over. A dropped
 * accept has taken no connection: one that an accept has taken is its result. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_accept(struct trale_stream_accept *accept,
                                                                          struct trale_stream_listener *listener)
{
    memset(accept, 0, sizeof *accept);
    accept->listener = listener;
    listener->stream->accept(listener->stream->interface.instance, accept);
    return &accept->future;
}

/* --- connections -------------------------------------------------------------------------------------------------- */

/* The first poll of a connect. Here the runtime is known, and so the driver, which takes the future over. */
static inline int64_t trale_stream_connect_poll_(struct trale_future *future, struct trale_context *context)
{
    const struct trale_stream *stream = trale_stream(context->runtime);
    if (stream == NULL)
        return -ENODEV;
    stream->connect(stream->interface.instance, (struct trale_stream_connect *)(void *)future);
    return trale_future_poll(future, context);
}

static inline struct trale_future *trale_stream_connect_init_(struct trale_stream_connect *connect)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "trale_stream_connect",
                                                  trale_stream_connect_poll_, NULL};
    memset(connect, 0, sizeof *connect);
    trale_future_init(&connect->future, &type);
    return &connect->future;
}

/* A future that connects to a TCP address; *to is copied. Resolves to 0, and sets `socket`. Or to:
 *   -ENODEV        No driver of the runtime offers streams.
 *   -ECONNREFUSED  No program listens there. A socket may instead connect to itself, if the port is one of this host
 *                  from which the kernel chooses (net.ipv4.ip_local_port_range): local programs listen on others.
 *   -ETIMEDOUT     There was no answer; by default after two minutes (net.ipv4.tcp_syn_retries).
 *   -ENETUNREACH, -EHOSTUNREACH, -EADDRNOTAVAIL (no port is free), -EAFNOSUPPORT, -EMFILE, -ENFILE, -ENOMEM, or another
 *   error of connect(2).
 * A connect that is dropped is given up: if the peer has seen the connection, it sees its end. May be called anywhere;
 * the future is awaited in a task. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_connect(struct trale_stream_connect *connect,
                                                                           const struct trale_address *to)
{
    const struct trale_address address = *to;
    struct trale_future *future = trale_stream_connect_init_(connect);
    connect->to = address;
    return future;
}

/* The same from a local address, of the same family; with port 0 the kernel chooses the port. More errors:
 * -EADDRINUSE. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_connect_from(struct trale_stream_connect *connect,
                                                                                const struct trale_address *to,
                                                                                const struct trale_address *from)
{
    const struct trale_address address = *from;
    struct trale_future *future = trale_stream_connect(connect, to);
    connect->from = address;
    return future;
}

/* Closes the connection at once. Its reads and writes that have no result yet resolve to -ECANCELED at their next poll,
 * also if it is their first; they may be dropped instead. What was written is still sent (TRALE_STREAM_LINGER); but if
 * bytes have arrived that were not read, or arrive later, TCP resets the connection, and the peer may lose bytes that
 * it has not read (RFC 2525, 2.17). To be sure, shut down the writes and read the end of stream first. After this call
 * no function may be called with the socket. NULL is allowed. When the driver stops, it closes what is still open. */
static inline void trale_stream_close(struct trale_stream_socket *socket)
{
    if (socket != NULL)
        socket->stream->close(socket->stream->interface.instance, socket);
}

/* Ends directions: TRALE_STREAM_WRITES sends the end of stream behind what was written, and the other direction goes
 * on; writes from then on, and one that waits, resolve to -EPIPE. TRALE_STREAM_READS: reads resolve to 0 when nothing
 * is left, and one that waits; of TCP the peer does not notice, and bytes that arrive later are still read; of Unix
 * sockets the peer's writes resolve to -EPIPE. Does not wait. 0, -EINVAL (directions), or -ENOTCONN: the connection has
 * broken off. */
static inline int trale_stream_shutdown(struct trale_stream_socket *socket, uint32_t directions)
{
    return socket->stream->shutdown(socket->stream->interface.instance, socket, directions);
}

/* Reads the socket's own address, and the peer's. 0; -EAFNOSUPPORT: a Unix socket; -ENOTCONN: the connection has broken
 * off. */
static inline int trale_stream_local(struct trale_stream_socket *socket, struct trale_address *address)
{
    return socket->stream->local(socket->stream->interface.instance, socket, address);
}
static inline int trale_stream_peer(struct trale_stream_socket *socket, struct trale_address *address)
{
    return socket->stream->peer(socket->stream->interface.instance, socket, address);
}

/* Sets an option (stream_option.h). 0, or an error, and the option has not changed: -ENOPROTOOPT (no such option, or it
 * can only be read), -EOPNOTSUPP (not for this kind of socket), -EINVAL (not one of its values), -ENODEV (no such
 * interface), -EPERM, or another error of setsockopt(2). */
static inline int trale_stream_set(struct trale_stream_socket *socket, uint32_t option, int64_t value)
{
    return socket->stream->set(socket->stream->interface.instance, socket, option, value);
}

/* Reads an option from the kernel, which for buffers has another value than was set. 0, -ENOPROTOOPT (no such option,
 * or it can only be set), -EOPNOTSUPP, or another error of getsockopt(2). */
static inline int trale_stream_get(struct trale_stream_socket *socket, uint32_t option, int64_t *value)
{
    return socket->stream->get(socket->stream->interface.instance, socket, option, value);
}

static_assert(offsetof(struct trale_stream, peer_credentials) + sizeof(void *) == TRALE_STREAM_1_SIZE, "append only");
static_assert(sizeof(struct trale_stream_accept) == 112, "frozen: part of frames");
static_assert(sizeof(struct trale_stream_connect) == 152, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#include <trale/stream_transfer.h>

#endif
