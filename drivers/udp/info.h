/* SPDX-License-Identifier: MIT
 *
 * Control messages (cmsg(3)): what the kernel says of a datagram, and what is said to it. */
#ifndef UDP_INFO_H
#define UDP_INFO_H

#include <trale/udp_info.h>

#include "socket.h"

/* Room for all that one datagram may have. Received: an IPv6 address and index, class, hops, time, losses, segment
 * size. Sent: the index in both families, class and hops in both, segment size. */
union udp_control {
    struct cmsghdr header; /* aligns */
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(2 * sizeof(int64_t)) + 5 * CMSG_SPACE(sizeof(int))];
};

/* Switches on what is told: a set of TRALE_UDP_INFO_ bits. 0, -EINVAL, or setsockopt(2)'s. */
int32_t udp_info_set(struct udp_socket *socket, int64_t set);

/* Finds out what is on already. */
void udp_info_adopt(struct udp_socket *socket);

/* Gives a received datagram what the message's control messages say: its segment size, and its info. */
void udp_info_read(const struct udp_socket *socket, struct msghdr *message, struct trale_datagram *datagram);

/* Puts what a datagram is to be sent with into *control, and that into the message. 0, -EINVAL, -EAFNOSUPPORT. */
int udp_info_write(const struct udp_socket *socket, const struct trale_datagram *datagram, struct msghdr *message,
                   union udp_control *control);

#endif
