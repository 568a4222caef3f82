/* SPDX-License-Identifier: MIT
 *
 * How connections come about: listeners, accepts and connects. */
#ifndef SIM_STREAM_BEGIN_H
#define SIM_STREAM_BEGIN_H

#include "stream.h"

/* Members of the table. */
int32_t stream_listen(void *instance, const struct trale_address *local, uint32_t flags,
                      struct trale_stream_listener **listener);
int32_t stream_listen_unix(void *instance, const char *path, struct trale_stream_listener **listener);
void stream_accept(void *instance, struct trale_stream_accept *op);
void stream_connect(void *instance, struct trale_stream_connect *op);

#endif
