/* SPDX-License-Identifier: MIT
 *
 * Receives and sends, of one datagram and of many. */
#ifndef SIM_UDP_TRANSFER_H
#define SIM_UDP_TRANSFER_H

#include "udp.h"

/* The table's eight. */
void udp_recv(void *instance, struct trale_udp_recv *recv);
void udp_send(void *instance, struct trale_udp_send *send);
void udp_recv_batch(void *instance, struct trale_udp_batch *batch);
void udp_send_batch(void *instance, struct trale_udp_batch *batch);
int64_t udp_try_recv(void *instance, struct trale_udp_recv *recv);
int64_t udp_try_send(void *instance, struct trale_udp_send *send);
int64_t udp_try_recv_batch(void *instance, struct trale_udp_batch *batch);
int64_t udp_try_send_batch(void *instance, struct trale_udp_batch *batch);

#endif
