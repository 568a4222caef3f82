/* SPDX-License-Identifier: MIT
 *
 * Operations that wait for what the kernel does not report: a free file descriptor, room in the queue of a Unix
 * listener. They are paused, and woken to try again when a socket of the instance is closed, and every 10 ms, by a task
 * of the driver's own. */
#ifndef STREAM_RETRY_H
#define STREAM_RETRY_H

#include "memory.h"

/* [start] Spawns the task. 0, or -ENOMEM. */
int32_t stream_retry_start(struct stream *stream);

/* Pauses an operation: its waker, this poll's, will be called. 0, or the error for which the timer cannot wait. `wait`
 * is not registered with the reactor; it is in a list of this file until it was woken or stream_retry_end. */
int32_t stream_retry_pause(struct stream *stream, struct trale_wait *wait, const struct trale_waker *waker);

/* Ends a pause, if it has not ended. */
void stream_retry_end(struct trale_wait *wait);

/* Wakes everything that is paused. */
void stream_retry_all(struct stream *stream);

#endif
