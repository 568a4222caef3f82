/* SPDX-License-Identifier: MIT
 *
 * Options. */
#ifndef STREAM_OPTION_H
#define STREAM_OPTION_H

#include "memory.h"

/* The table's four. */
int32_t stream_set(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t value);
int32_t stream_get(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t *value);
int32_t stream_set_listener(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t value);
int32_t stream_get_listener(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t *value);

#endif
