/* SPDX-License-Identifier: MIT
 *
 * More about stream sockets, an addition to stream.h: files that the kernel writes, tries that never wait, and sockets
 * that are open already. Threads as in stream.h. */
#ifndef TRALE_STREAM_SOCKET_H
#define TRALE_STREAM_SOCKET_H

#include <trale/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- files -------------------------------------------------------------------------------------------------------- */

/* A write of a file's bytes. `wait` and `future.own` are the driver's. */
struct trale_stream_sendfile {
    struct trale_future future;
    struct trale_stream_socket *socket;
    uint64_t offset, size;
    uint64_t n_written; /* how many bytes the kernel has taken so far; stays when it fails or is dropped */
    int32_t fd;         /* lent */
    uint32_t reserved;

    struct trale_wait wait;
};

/* A future that writes `size` bytes of a file, from `offset` on, which the kernel takes from the file itself
 * (sendfile(2)). It counts as a write of the socket (-EBUSY). `fd` is lent until the future resolves or is dropped; its
 * own position does not move. Resolves to the number of bytes, which is less than `size` if the file ends before;
 * UINT64_MAX is all of the file. Bytes of the file that change before the peer has them may be sent as they are then.
 * Or, and `n_written` says how many bytes the kernel has taken, to -EINVAL (an offset beyond 2^63 - 1, or a file of a
 * kind that the kernel cannot send), -ESPIPE (a pipe or a socket), -EBADF, an error of trale_stream_write, or another
 * of sendfile(2); after an error of the file the connection goes on. Where the file is not in memory, the thread waits
 * for the disk. What goes before it, such as a header, is written first, with
 * TRALE_STREAM_MORE in the flags of that write (trale_stream_write_more). */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_sendfile(struct trale_stream_sendfile *sendfile,
                                                                            struct trale_stream_socket *socket, int fd,
                                                                            uint64_t offset, uint64_t size)
{
    memset(sendfile, 0, sizeof *sendfile);
    sendfile->socket = socket;
    sendfile->fd = fd;
    sendfile->offset = offset;
    sendfile->size = size;
    socket->stream->sendfile(socket->stream->interface.instance, sendfile);
    return &sendfile->future;
}

/* As trale_stream_write, where another write follows at once: TCP may keep a segment that is not full for up to 200 ms,
 * to fill it with what follows. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_stream_write_more(struct trale_stream_write *write,
                                                                              struct trale_stream_socket *socket,
                                                                              const void *buf, size_t size)
{
    struct trale_future *future = trale_stream_write(write, socket, buf, size);
    write->flags = TRALE_STREAM_MORE;
    return future;
}

/* --- tries -------------------------------------------------------------------------------------------------------- */

/* Tries do at once what is possible without waiting, and may be called outside of a task's poll. A read returns what
 * trale_stream_read would resolve to, or -EAGAIN: nothing is there. A write returns how many bytes the kernel has
 * taken, 1 to `size`; -EAGAIN: it takes none now; or an error of trale_stream_write. -EBUSY: a read, or a write, of the
 * socket waits. */
static inline int64_t trale_stream_try_read(struct trale_stream_socket *socket, void *buf, size_t size)
{
    return socket->stream->try_read(socket->stream->interface.instance, socket, buf, size);
}
static inline int64_t trale_stream_try_write(struct trale_stream_socket *socket, const void *buf, size_t size)
{
    return socket->stream->try_write(socket->stream->interface.instance, socket, buf, size);
}

/* --- sockets that are open already -------------------------------------------------------------------------------- */

/* Makes a socket of an fd, TCP or Unix, that is connected: one of socketpair(2), of another library, or one that
 * another process has passed; or of an end of a pipe (pipe(7)), which is a connection in one direction. Reads and
 * writes of a pipe, with one or several buffers, and sendfile are as those of a Unix socket, and in the other direction
 * -EBADF; its addresses are -EAFNOSUPPORT, and what else sockets have is -EOPNOTSUPP.
 * The options of a socket stay as they are, but the fd is made non-blocking, for all processes that share it; and
 * SO_LINGER with a time is switched off (TRALE_STREAM_LINGER). From then on the socket owns the fd: it is closed with
 * the socket, and programs that this process executes do not inherit it. Returns 0, or an error, and the fd has not
 * changed and is still the caller's: -EBADF, -ENOTSOCK (neither a socket nor a pipe), -EAFNOSUPPORT (neither IPv4, IPv6
 * nor Unix), -EPROTOTYPE (no stream, or neither TCP nor Unix), -ENOTCONN (it is a listener, or not connected), -EBUSY
 * (another socket of this runtime's driver has the fd; other runtimes are not checked), -ENOMEM, -ENODEV (no driver
 * offers streams). */
TRALE_CHECK_RESULT static inline int trale_stream_adopt(struct trale *runtime, int fd,
                                                        struct trale_stream_socket **socket)
{
    const struct trale_stream *stream = trale_stream(runtime);
    return stream == NULL ? -ENODEV : stream->adopt(stream->interface.instance, fd, socket);
}

/* The same for a listener, on which listen(2) was called, and so for the SO_LINGER of the sockets that it accepts.
 * -EINVAL: it was not called. */
TRALE_CHECK_RESULT static inline int trale_stream_adopt_listener(struct trale *runtime, int fd,
                                                                 struct trale_stream_listener **listener)
{
    const struct trale_stream *stream = trale_stream(runtime);
    return stream == NULL ? -ENODEV : stream->adopt_listener(stream->interface.instance, fd, listener);
}

/* Makes a listener of a socket that a service manager has opened for this program and keeps open while the service
 * restarts (sd_listen_fds(3)). `name` is its FileDescriptorName= (systemd.socket(5)); of several with that name, the
 * first that was not taken yet. If none has the name, "0" is the first socket of the list, "1" the second, and so on.
 * Returns 0, or -ENOENT (no such socket), -EBUSY (taken already), -EINVAL (LISTEN_PID or LISTEN_FDS is no number), or
 * an error of trale_stream_adopt_listener. Reads the environment: threads must not call it at the same time. */
TRALE_CHECK_RESULT static inline int trale_stream_inherit_listener(struct trale *runtime, const char *name,
                                                                   struct trale_stream_listener **listener)
{
    const struct trale_stream *stream = trale_stream(runtime);
    return stream == NULL ? -ENODEV : stream->inherit_listener(stream->interface.instance, name, listener);
}

/* The same for a connection that the service manager has accepted (Accept=yes; its name is "connection"), with the
 * errors of trale_stream_adopt. */
TRALE_CHECK_RESULT static inline int trale_stream_inherit(struct trale *runtime, const char *name,
                                                          struct trale_stream_socket **socket)
{
    const struct trale_stream *stream = trale_stream(runtime);
    return stream == NULL ? -ENODEV : stream->inherit(stream->interface.instance, name, socket);
}

/* Takes the fd out of the socket, for another library, or to pass it to another process. Returns the fd, which is the
 * caller's, non-blocking and close-on-exec; the socket is closed, as trale_stream_close does it, but the connection is
 * not. No byte is lost: none was read ahead. -EOPNOTSUPP: the driver has no fds; the socket is as it was. */
TRALE_CHECK_RESULT static inline int trale_stream_release(struct trale_stream_socket *socket)
{
    return socket->stream->release(socket->stream->interface.instance, socket);
}

static_assert(sizeof(struct trale_stream_sendfile) == 104, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#endif
