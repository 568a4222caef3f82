/* SPDX-License-Identifier: MIT
 *
 * The info of a datagram as control messages (cmsg(3)). */
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

/* Switches on the members in `set`, TRALE_UDP_INFO_ bits, and the others off. 0; or -EINVAL or an error of
 * setsockopt(2), and nothing has changed. */
int32_t udp_info_set(struct udp_socket *socket, int64_t set);

/* Reads which members are on already. What is on in one family alone goes off. */
void udp_info_adopt(struct udp_socket *socket);

/* Sets a received datagram's segment size and info from the control messages. */
void udp_info_read(const struct udp_socket *socket, struct msghdr *message, struct trale_datagram *datagram);

/* Writes the datagram's segment size and info into *control, and adds that to the message. 0, -EINVAL,
 * -EAFNOSUPPORT. */
int udp_info_write(const struct udp_socket *socket, const struct trale_datagram *datagram, struct msghdr *message,
                   union udp_control *control);

#endif
