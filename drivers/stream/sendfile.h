/* SPDX-License-Identifier: MIT
 *
 * Files that the kernel writes. */
#ifndef STREAM_SENDFILE_H
#define STREAM_SENDFILE_H

#include "memory.h"

/* The table's. */
void stream_sendfile(void *instance, struct trale_stream_sendfile *sendfile);

#endif
