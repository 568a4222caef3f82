/* SPDX-License-Identifier: MIT
 *
 * Options of sockets. */
#ifndef SIM_STREAM_OPTION_H
#define SIM_STREAM_OPTION_H

#include "stream.h"

/* A buffer that is set to so many bytes. */
uint32_t stream_buffer(int64_t value, uint32_t minimum);

/* Members of the table. */
int32_t stream_set(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t value);
int32_t stream_get(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t *value);
int32_t stream_set_listener(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t value);
int32_t stream_get_listener(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t *value);

#endif
