/* SPDX-License-Identifier: MIT
 *
 * Connects, of TCP and of Unix sockets. */
#ifndef STREAM_CONNECT_H
#define STREAM_CONNECT_H

#include "memory.h"

/* The table's. */
void stream_connect(void *instance, struct trale_stream_connect *connect);

#endif
