/* SPDX-License-Identifier: MIT
 *
 * Sends of one datagram, which the kernel is handed together with others. Batches are one system call as they are. */
#ifndef URING_SEND_H
#define URING_SEND_H

#include <trale/udp.h>

#include "uring.h"

/* The slots of an instance. 0 or -ENOMEM. */
int send_init(struct uring *uring, uint32_t n_slots);
void send_deinit(struct uring *uring);

/* Takes back the sends of a socket that is closed. */
void send_close(struct uring *uring, const struct udp_socket *socket);

/* The table's. */
void uring_send(void *instance, struct trale_udp_send *send);
void uring_send_batch(void *instance, struct trale_udp_batch *batch);
int64_t uring_try_send(void *instance, struct trale_udp_send *send);
int64_t uring_try_send_batch(void *instance, struct trale_udp_batch *batch);

#endif
