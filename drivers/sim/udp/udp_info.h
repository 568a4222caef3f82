/* SPDX-License-Identifier: MIT
 *
 * What a receive says of its datagram, and a send of its own. */
#ifndef SIM_UDP_INFO_H
#define SIM_UDP_INFO_H

#include "send.h"
#include "udp.h"

/* The bits that a receive can set. */
#define UDP_INFO_RECEIVED                                                                                              \
    (TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TRAFFIC_CLASS | TRALE_UDP_INFO_TTL | TRALE_UDP_INFO_TIME |                  \
     TRALE_UDP_INFO_DROPS)

/* Writes what is known of a datagram, and is wanted, into *info; NULL: nothing. */
void udp_info_read(const struct udp_socket *socket, const struct datagram *datagram, struct trale_udp_info *info);

/* Reads a destination and an info (NULL: none) into a send. 0, or -EINVAL, -EAFNOSUPPORT, -EDESTADDRREQ. */
int udp_info_write(const struct udp_socket *socket, const struct trale_address *to, const struct trale_udp_info *info,
                   struct send *send);

#endif
