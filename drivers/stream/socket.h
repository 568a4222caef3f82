/* SPDX-License-Identifier: MIT
 *
 * Sockets: how their fds are made and closed. */
#ifndef STREAM_SOCKET_H
#define STREAM_SOCKET_H

#include "memory.h"

/* Makes a socket that is not bound yet, with the buffers of trale.ini. 0, or an error of socket(2). */
int32_t stream_socket_make(struct stream *stream, int family, struct stream_socket **socket);

/* Closes one that could not be set up. Nothing has waited for it, and so this touches no more than the socket: the
 * thread that opened the runtime may listen while tasks of drivers already run. */
void stream_socket_discard(struct stream_socket *socket);

/* Makes it one that applications have. */
void stream_socket_open(struct stream_socket *socket, bool is_listener);

/* Closes it, with its fd. Its operations are cancelled; those that wait are woken, as is what waits for a free fd. */
void stream_socket_close(struct stream_socket *socket);

/* The same without closing the fd. */
void stream_socket_end(struct stream_socket *socket);

/* Sets an option that is a number. 0, or an error of setsockopt(2). */
int32_t stream_socket_set(const struct stream_socket *socket, int level, int name, int value);

/* Whether `error` says that the connection is over, and not that this operation has failed; then every later operation
 * finds it in socket->error. */
bool stream_socket_breaks_off(struct stream_socket *socket, int error);

/* The table's. */
void stream_close(void *instance, struct trale_stream_socket *socket);
void stream_close_listener(void *instance, struct trale_stream_listener *listener);
int32_t stream_shutdown(void *instance, struct trale_stream_socket *socket, uint32_t directions);
int32_t stream_release(void *instance, struct trale_stream_socket *socket);

#endif
