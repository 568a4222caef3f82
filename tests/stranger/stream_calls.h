/* SPDX-License-Identifier: MIT
 *
 * The members of struct trale_stream that make no future, but for those that return nothing: a layer passes each of
 * them on. X(TYPE, MEMBER, PARAMETERS, ARGUMENTS), where ARGUMENTS are those for `below`, the table of the driver
 * below. */
#ifndef STREAM_CALLS_H
#define STREAM_CALLS_H

#include <trale/stream_socket.h>
#include <trale/stream_unix.h>

#define STREAM_BELOW below->interface.instance
#define STREAM_SOCKET void *instance, struct trale_stream_socket *socket
#define STREAM_LISTENER void *instance, struct trale_stream_listener *socket

/* Those that make a socket or a listener. */
#define STREAM_OPENS(X)                                                                                                \
    X(int32_t, listen,                                                                                                 \
      (void *instance, const struct trale_address *local, uint32_t flags, struct trale_stream_listener **socket),      \
      (STREAM_BELOW, local, flags, socket))                                                                            \
    X(int32_t, listen_unix, (void *instance, const char *path, struct trale_stream_listener **socket),                 \
      (STREAM_BELOW, path, socket))                                                                                    \
    X(int32_t, adopt, (void *instance, int32_t fd, struct trale_stream_socket **socket), (STREAM_BELOW, fd, socket))   \
    X(int32_t, adopt_listener, (void *instance, int32_t fd, struct trale_stream_listener **socket),                    \
      (STREAM_BELOW, fd, socket))                                                                                      \
    X(int32_t, inherit, (void *instance, const char *name, struct trale_stream_socket **socket),                       \
      (STREAM_BELOW, name, socket))                                                                                    \
    X(int32_t, inherit_listener, (void *instance, const char *name, struct trale_stream_listener **socket),            \
      (STREAM_BELOW, name, socket))

#define STREAM_CALLS(X)                                                                                                \
    X(int32_t, listener_local, (STREAM_LISTENER, struct trale_address * address), (STREAM_BELOW, socket, address))     \
    X(int32_t, set_listener, (STREAM_LISTENER, uint32_t option, int64_t value), (STREAM_BELOW, socket, option, value)) \
    X(int32_t, get_listener, (STREAM_LISTENER, uint32_t option, int64_t * value),                                      \
      (STREAM_BELOW, socket, option, value))                                                                           \
    X(int32_t, shutdown, (STREAM_SOCKET, uint32_t directions), (STREAM_BELOW, socket, directions))                     \
    X(int32_t, local, (STREAM_SOCKET, struct trale_address * address), (STREAM_BELOW, socket, address))                \
    X(int32_t, peer, (STREAM_SOCKET, struct trale_address * address), (STREAM_BELOW, socket, address))                 \
    X(int32_t, set, (STREAM_SOCKET, uint32_t option, int64_t value), (STREAM_BELOW, socket, option, value))            \
    X(int32_t, get, (STREAM_SOCKET, uint32_t option, int64_t * value), (STREAM_BELOW, socket, option, value))          \
    X(int64_t, try_read, (STREAM_SOCKET, void *buf, uint64_t size), (STREAM_BELOW, socket, buf, size))                 \
    X(int64_t, try_write, (STREAM_SOCKET, const void *buf, uint64_t size), (STREAM_BELOW, socket, buf, size))          \
    X(int32_t, release, (STREAM_SOCKET), (STREAM_BELOW, socket))                                                       \
    X(int32_t, peer_credentials, (STREAM_SOCKET, struct trale_stream_credentials * credentials),                       \
      (STREAM_BELOW, socket, credentials))

/* Those that return nothing: X(MEMBER, PARAMETERS). */
#define STREAM_CLOSES(X)                                                                                               \
    X(close, (STREAM_SOCKET))                                                                                          \
    X(close_listener, (STREAM_LISTENER))

/* Those that make a future: X(MEMBER, OPERATION). Those of STREAM_CONNECTS resolve with a socket, whose table the layer
 * replaces. */
#define STREAM_TRANSFERS(X)                                                                                            \
    X(read, struct trale_stream_read)                                                                                  \
    X(write, struct trale_stream_write)                                                                                \
    X(sendfile, struct trale_stream_sendfile)
#define STREAM_CONNECTS(X)                                                                                             \
    X(accept, struct trale_stream_accept)                                                                              \
    X(connect, struct trale_stream_connect)
#define STREAM_FUTURES(X) STREAM_TRANSFERS(X) STREAM_CONNECTS(X)

#endif
