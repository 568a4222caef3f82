/* SPDX-License-Identifier: MIT
 *
 * Receives and sends. */
#ifndef UDP_TRANSFER_H
#define UDP_TRANSFER_H

#include "udp.h"

/* The table's two. */
void udp_transfer_recv(void *instance, struct trale_udp_recv *recv);
void udp_transfer_send(void *instance, struct trale_udp_send *send);

/* What still waits on the socket will resolve to -ECANCELED and not touch it any more. Its waits must be over. */
void udp_transfer_cancel_all(struct udp_socket *socket);

#endif
