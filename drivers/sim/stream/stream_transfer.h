/* SPDX-License-Identifier: MIT
 *
 * Reads and writes. */
#ifndef SIM_STREAM_TRANSFER_H
#define SIM_STREAM_TRANSFER_H

#include "stream.h"

/* Members of the table. */
void stream_read(void *instance, struct trale_stream_read *op);
void stream_write(void *instance, struct trale_stream_write *op);
void stream_sendfile(void *instance, struct trale_stream_sendfile *op);
int64_t stream_try_read(void *instance, struct trale_stream_socket *socket, void *buf, uint64_t size);
int64_t stream_try_write(void *instance, struct trale_stream_socket *socket, const void *buf, uint64_t size);

#endif
