/* SPDX-License-Identifier: MIT
 *
 * Receives and sends, of one datagram and of many. */
#ifndef UDP_TRANSFER_H
#define UDP_TRANSFER_H

#include "info.h"
#include "operation.h"

/* The memory in which a batch is handed to the kernel, one for an instance; NULL: no memory. */
struct udp_messages *udp_batch_messages(void);

/* One datagram as sendmsg(2) takes it; *header points to the others. */
struct udp_message {
    struct msghdr header;
    struct iovec piece;
    struct trale_address to;
    union udp_control control;
};

/* The size of the address that a send names; 0: it names none; -EAFNOSUPPORT: it is of no family of the driver's. */
int udp_send_address_size(const struct trale_udp_send *send);

/* Makes a message of a send. 0, or what is wrong with the send. */
int udp_send_message(const struct trale_udp_send *send, struct udp_message *message);

/* What the futures are as operations. */
struct operation udp_recv_operation(struct trale_future *future);
struct operation udp_send_operation(struct trale_future *future);
struct operation udp_recv_batch_operation(struct trale_future *future);
struct operation udp_send_batch_operation(struct trale_future *future);

/* Pays for the datagrams of a batch that has resolved to `n`, of which its await pays one. Returns `n`. */
int64_t udp_batch_pay(const struct trale_udp_batch *batch, int64_t n, struct trale_context *context);

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
