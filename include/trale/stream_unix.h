/* SPDX-License-Identifier: MIT
 *
 * Stream sockets between processes of one host (unix(7)), an addition to stream.h: their names, and the fds and
 * credentials that are passed with bytes. Threads as in stream.h.
 *
 * NAMES. A path is a file that bind(2) makes, with the permissions that the umask leaves; to connect, a process needs
 * write permission for it. "@name" is an abstract name: no file, no permissions, it ends with the listener, and the
 * network namespace is its scope. A path or "@name" has 1 to 107 bytes after the '@'.
 *
 * FILES LEFT BEHIND. Closing a listener leaves its file behind, as does a program that crashes; then a listener on this
 * path is -EADDRINUSE, and a connect -ECONNREFUSED. No driver removes files. A program that is the only one to listen
 * there removes the file before it listens (unlink(2)); if two may be started, let them take a lock first (flock(2) of
 * another file), use an abstract name, or have a service manager open the listener (trale_stream_inherit_listener).
 */
#ifndef TRALE_STREAM_UNIX_H
#define TRALE_STREAM_UNIX_H

#include <trale/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The process at the other end. */
struct trale_stream_credentials {
    int32_t pid; /* 0: it is in no PID namespace that this process sees */
    uint32_t uid, gid;
};

/* The most fds that one write passes (SCM_MAX_FD, unix(7)). */
#define TRALE_STREAM_FDS 253u

/* What is passed with bytes. Members that are not set must be zero. Its size is part of the ABI. */
struct trale_stream_ancillary {
    int32_t *fds; /* lent; a write only reads it; a read: where the received fds go, which are the caller's then */
    uint32_t
        n_fds; /* a write: how many there are; a read: the room, and when it resolved to >= 0, how many there are */
    /* A read: fds that were passed and closed, for there was no room in `fds`; and 1 more if there was none in this
     * process (RLIMIT_NOFILE), for the kernel does not say how many it has closed for that. */
    uint32_t n_lost;
    uint32_t has_credentials;                    /* a write: 1 passes `credentials`; a read: 1, they were passed */
    struct trale_stream_credentials credentials; /* a write: see credentials(7) for which are allowed, -EPERM */
};

/* Listens on a Unix socket. 0, or -ENODEV (no driver offers streams), -EINVAL (the name is empty), -ENAMETOOLONG,
 * -EADDRINUSE, -EACCES, -ENOENT (no such folder), -EOPNOTSUPP (the driver has no Unix sockets), -EMFILE, -ENFILE,
 * -ENOMEM, or another error of bind(2). */
TRALE_CHECK_RESULT static inline int trale_stream_listen_unix(struct trale *runtime, const char *path,
                                                              struct trale_stream_listener **listener)
{
    const struct trale_stream *stream = trale_stream(runtime);
    return stream == NULL ? -ENODEV : stream->listen_unix(stream->interface.instance, path, listener);
}

/* A future that connects to a Unix socket; `path` is lent until it resolves or is dropped. Waits while as many
 * connections wait for an accept as the listener allows (TRALE_STREAM_BACKLOG), and tries every 10 ms, for the kernel
 * does not report room. Resolves to 0, and sets `socket`; or to -ENOENT (no such file), -ECONNREFUSED (nothing listens
 * there), -EACCES, -EPROTOTYPE (no stream socket), or an error of trale_stream_listen_unix. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_connect_unix(struct trale_stream_connect *connect,
                                                                                const char *path)
{
    struct trale_future *future = trale_stream_connect_init_(connect);
    connect->path = path;
    return future;
}

/* The process that has connected, or has listened, at the time it did (SO_PEERCRED). 0, or -EOPNOTSUPP: TCP. */
static inline int trale_stream_peer_credentials(struct trale_stream_socket *socket,
                                                struct trale_stream_credentials *credentials)
{
    return socket->stream->peer_credentials(socket->stream->interface.instance, socket, credentials);
}

/* As trale_stream_read, and receives what was passed with these bytes; *ancillary is lent until the future resolves or
 * is dropped. A read ends behind bytes with which fds were passed. The fds are close-on-exec. A read without
 * `ancillary` closes the fds that were passed with its bytes. More errors: -EOPNOTSUPP (TCP). */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_read_with(struct trale_stream_read *read,
                                                                             struct trale_stream_socket *socket,
                                                                             void *buf, size_t size,
                                                                             struct trale_stream_ancillary *ancillary)
{
    struct trale_future *future = trale_stream_read(read, socket, buf, size);
    read->ancillary = ancillary;
    return future;
}

/* As trale_stream_write, and passes *ancillary with the first byte; it is lent until the future resolves or is dropped.
 * The fds stay the caller's, and may be closed after that; if n_written > 0, they were passed. More errors: -EOPNOTSUPP
 * (TCP), -EINVAL (`size` is 0, or more than TRALE_STREAM_FDS), -EBADF, -EPERM (the credentials), -ETOOMANYREFS (too
 * many fds are on their way; RLIMIT_NOFILE). */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_stream_write_with(struct trale_stream_write *write, struct trale_stream_socket *socket, const void *buf,
                        size_t size, const struct trale_stream_ancillary *ancillary)
{
    struct trale_future *future = trale_stream_write(write, socket, buf, size);
    write->ancillary = ancillary;
    return future;
}

static_assert(sizeof(struct trale_stream_credentials) == 12, "frozen: part of frames");
static_assert(sizeof(struct trale_stream_ancillary) == 32, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#endif
