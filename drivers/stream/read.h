/* SPDX-License-Identifier: MIT
 *
 * Reads. */
#ifndef STREAM_READ_H
#define STREAM_READ_H

#include "memory.h"

/* The table's two. */
void stream_read(void *instance, struct trale_stream_read *read);
int64_t stream_try_read(void *instance, struct trale_stream_socket *socket, void *buf, uint64_t size);

#endif
