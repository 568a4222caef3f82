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

/* Sets a received datagram's info, if `info` is not NULL, from the control messages. Returns its segment size; 0: it is
 * a single one. */
uint32_t udp_info_read(const struct udp_socket *socket, struct msghdr *message, struct trale_udp_info *info);

/* Writes the segment size, if it is not 0, and the info, if it is not NULL, of a datagram for `to` into *control, and
 * adds that to the message. 0, -EINVAL, -EAFNOSUPPORT. */
int udp_info_write(const struct udp_socket *socket, const struct trale_udp_info *info, uint32_t segment_size,
                   const struct trale_address *to, struct msghdr *message, union udp_control *control);

#endif
