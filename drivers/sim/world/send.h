/* SPDX-License-Identifier: MIT
 *
 * Sending: from a socket into the network, or into the queues of this host, where a datagram is at once. */
#ifndef SIM_SEND_H
#define SIM_SEND_H

#include "route.h"

/* As many datagrams may be sent as one buffer (udp(7), UDP_SEGMENT). */
#define SEND_SEGMENTS_MAX 64u

/* What is sent. */
struct send {
    const void *bytes;
    uint64_t size;
    const struct trale_address *to;     /* AF_INET or AF_INET6 */
    const struct trale_address *source; /* without port; AF_UNSPEC: by the route */
    uint32_t interface_index;           /* 0: by the route */
    int32_t traffic_class, ttl;         /* -1: the option's */
    uint32_t segment_size;              /* 0: the bytes are one datagram */
};

/* Sends it. Returns its size, or a negative errno: nothing was sent. -EAGAIN: the send buffer has no room. An error of
 * an earlier datagram is answered in its place, unless `ignores_error`.
 *
 * With a segment_size, all segments are sent, or none; or -EIO: they must be sent one by one, because one of them is
 * larger than a packet of the way. */
int64_t send_datagram(struct world *world, struct socket *socket, const struct send *send, bool ignores_error);

/* The largest packet that a socket can send that way without fragments, as far as it is known. */
uint32_t send_path_mtu(struct world *world, const struct socket *socket, const struct route *route);

#endif
