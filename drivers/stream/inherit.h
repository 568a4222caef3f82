/* SPDX-License-Identifier: MIT
 *
 * Sockets that are open already. */
#ifndef STREAM_INHERIT_H
#define STREAM_INHERIT_H

#include "memory.h"

/* The table's four. */
int32_t stream_adopt(void *instance, int32_t fd, struct trale_stream_socket **socket);
int32_t stream_adopt_listener(void *instance, int32_t fd, struct trale_stream_listener **listener);
int32_t stream_inherit(void *instance, const char *name, struct trale_stream_socket **socket);
int32_t stream_inherit_listener(void *instance, const char *name, struct trale_stream_listener **listener);

#endif
