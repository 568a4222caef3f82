/* SPDX-License-Identifier: MIT
 *
 * Many datagrams at once. Part of udp.h, which includes it. */
#ifndef TRALE_UDP_BATCH_H
#define TRALE_UDP_BATCH_H

#include <trale/udp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most datagrams that one batch moves. Those behind them in the array are left for the next batch. */
#define TRALE_UDP_BATCH 64u

/* One of the datagrams of a batch. Members that are not set must be zero. Its size is part of the ABI. */
struct trale_datagram {
    void *buf;                    /* lent; a send only reads it */
    uint64_t size;                /* the bytes to send, or the size of buf for a receive */
    uint64_t length;              /* received: the datagram's whole length; bytes beyond `size` are lost */
    struct trale_address address; /* sent: the destination (AF_UNSPEC: the peer); received: the sender */
    /* 0: buf holds one datagram. Otherwise buf holds several of this size, one behind the other; the last may be
     * shorter. A send has the kernel cut them apart (UDP_SEGMENT, udp(7); at most 64 datagrams, 65,507 bytes in all).
     * In a receive the kernel has joined them (TRALE_UDP_GRO). */
    uint32_t segment_size;
    struct trale_udp_info *info; /* lent, see udp_info.h; NULL: none */
    /* Sent one segment at a time: how many bytes the kernel has taken so far. 0 in a new datagram, and again
     * when all of it was sent. */
    uint64_t n_sent;
};

/* A batch of receives or sends. */
struct trale_udp_batch {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_datagram *datagrams;
    uint64_t n_datagrams;

    struct trale_wait wait; /* the driver's, as is future.own */
};

static inline void trale_udp_batch_init_(struct trale_udp_batch *batch, struct trale_udp_socket *socket,
                                         struct trale_datagram *datagrams, size_t n_datagrams)
{
    memset(batch, 0, sizeof *batch);
    batch->socket = socket;
    batch->datagrams = datagrams;
    batch->n_datagrams = n_datagrams;
}

/* A future that waits for a datagram, and receives all that have arrived by then, one into each of the n_datagrams
 * buffers in turn; sets their address, length and segment_size. The array and the buffers are lent until the future
 * resolves or is dropped. Resolves to the number of datagrams, 1 to TRALE_UDP_BATCH; the other elements are untouched.
 * Or to -EINVAL (n_datagrams is 0), or an error of trale_udp_recv_from. A dropped batch has taken none. Each datagram
 * is paid for from the budget (future.h) like an await, and one with a segment_size like 64. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_udp_recv_batch(struct trale_udp_batch *batch,
                                                                           struct trale_udp_socket *socket,
                                                                           struct trale_datagram *datagrams,
                                                                           size_t n_datagrams)
{
    trale_udp_batch_init_(batch, socket, datagrams, n_datagrams);
    socket->udp->recv_batch(socket->udp->interface.instance, batch);
    return &batch->future;
}

/* A future that sends datagrams in the order of the array. The array and the buffers are lent until the future resolves
 * or is dropped. Resolves as soon as the kernel has taken some of them, to their number, 1 to TRALE_UDP_BATCH, from the
 * first on. Call it again for the others: it sends them, or resolves to the error of the first of them. Or, and none
 * was sent, to -EINVAL (n_datagrams is 0, or segment_size or info has a value that does not fit), or an error of
 * trale_udp_send_to. A dropped batch has sent none; but see trale_udp_send_to.
 *
 * A datagram with a segment_size is sent one segment at a time if the interface lacks segmentation offload, or if the
 * segments are too large for it; each send finds this out anew. After an error or a drop, some segments of the first
 * datagram may have been sent: its n_sent says how many bytes. A call with the same datagram as its first sends the
 * rest; behind other datagrams it is left for the next call. To send all of it again, set n_sent to 0. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_udp_send_batch(struct trale_udp_batch *batch,
                                                                           struct trale_udp_socket *socket,
                                                                           struct trale_datagram *datagrams,
                                                                           size_t n_datagrams)
{
    trale_udp_batch_init_(batch, socket, datagrams, n_datagrams);
    socket->udp->send_batch(socket->udp->interface.instance, batch);
    return &batch->future;
}

static_assert(sizeof(struct trale_udp_batch) == 88, "frozen: part of frames");
static_assert(sizeof(struct trale_datagram) == 72, "frozen: an array element");

#ifdef __cplusplus
}
#endif

#endif
