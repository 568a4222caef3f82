/* SPDX-License-Identifier: MIT
 *
 * Names of Unix sockets. */
#ifndef STREAM_NAME_H
#define STREAM_NAME_H

#include <sys/un.h>

#include "memory.h"

/* Reads a path or "@name" (stream_unix.h). 0, -EINVAL (empty), or -ENAMETOOLONG. */
int32_t stream_name_read(const char *path, struct sockaddr_un *name, socklen_t *length);

/* The table's. */
int32_t stream_listen_unix(void *instance, const char *path, struct trale_stream_listener **listener);
int32_t stream_local(void *instance, struct trale_stream_socket *socket, struct trale_address *address);
int32_t stream_peer(void *instance, struct trale_stream_socket *socket, struct trale_address *address);
int32_t stream_listener_local(void *instance, struct trale_stream_listener *listener, struct trale_address *address);

#endif
