/* SPDX-License-Identifier: MIT
 *
 * Receives, from the lane of the socket, or, where completions do not serve the socket, as drivers/udp. */
#ifndef URING_RECEIVE_H
#define URING_RECEIVE_H

#include <trale/udp.h>

/* The table's four. */
void uring_recv(void *instance, struct trale_udp_recv *recv);
void uring_recv_batch(void *instance, struct trale_udp_batch *batch);
int64_t uring_try_recv(void *instance, struct trale_udp_recv *recv);
int64_t uring_try_recv_batch(void *instance, struct trale_udp_batch *batch);

#endif
