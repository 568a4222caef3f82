/* SPDX-License-Identifier: MIT
 *
 * Listeners of TCP, and accepts. */
#ifndef STREAM_ACCEPT_H
#define STREAM_ACCEPT_H

#include "memory.h"

/* Listens on a socket that is bound, and makes it one that applications have. 0, or an error: it was closed. */
int32_t stream_listen_on(struct stream_socket *socket, struct trale_stream_listener **listener);

/* The table's two. */
int32_t stream_listen(void *instance, const struct trale_address *local, uint32_t flags,
                      struct trale_stream_listener **listener);
void stream_accept(void *instance, struct trale_stream_accept *accept);

#endif
