/* SPDX-License-Identifier: MIT
 *
 * Taking a datagram out of a socket's queue, or several that arrived as one. */
#ifndef SIM_UDP_TAKE_H
#define SIM_UDP_TAKE_H

#include "udp.h"

/* What was taken. */
struct udp_taken {
    struct trale_address from;
    uint64_t length;
    uint32_t segment_size; /* of several datagrams; 0: it is one */
};

/* Takes what is to be received next into buf, and says what is known of it. 0, or -EAGAIN: there is nothing; or the
 * error of an earlier datagram. */
int udp_take(struct udp_socket *socket, void *buf, uint64_t size, struct trale_udp_info *info, struct udp_taken *taken);

#endif
