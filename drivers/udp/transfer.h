/* SPDX-License-Identifier: MIT
 *
 * Receives and sends, of one datagram and of many. */
#ifndef UDP_TRANSFER_H
#define UDP_TRANSFER_H

#include "socket.h"

/* The memory in which a batch is handed to the kernel, one for an instance; NULL: no memory. */
struct udp_messages *udp_batch_messages(void);

/* The table's eight. */
void udp_transfer_recv(void *instance, struct trale_udp_recv *recv);
void udp_transfer_send(void *instance, struct trale_udp_send *send);
void udp_transfer_recv_batch(void *instance, struct trale_udp_batch *batch);
void udp_transfer_send_batch(void *instance, struct trale_udp_batch *batch);
int64_t udp_transfer_try_recv(void *instance, struct trale_udp_recv *recv);
int64_t udp_transfer_try_send(void *instance, struct trale_udp_send *send);
int64_t udp_transfer_try_recv_batch(void *instance, struct trale_udp_batch *batch);
int64_t udp_transfer_try_send_batch(void *instance, struct trale_udp_batch *batch);

#endif
