/* SPDX-License-Identifier: MIT
 *
 * The interface as a whole. */
#ifndef SIM_STREAM_TABLE_H
#define SIM_STREAM_TABLE_H

#include "stream.h"

void stream_init(struct stream *stream, struct program *program, struct tasks *tasks);

/* Closes all sockets; no operation is left. */
void stream_deinit(struct stream *stream);

#endif
