/* SPDX-License-Identifier: MIT
 *
 * Groups that sockets have joined (ip(7), ipv6(7), RFC 3678). */
#ifndef SIM_GROUP_H
#define SIM_GROUP_H

#include "socket.h"

/* The limits of Linux: net.ipv4.igmp_max_memberships, net.ipv4.igmp_max_msf and net.ipv6.mld_max_msf. */
#define GROUP_V4_MEMBERSHIPS 20u
#define GROUP_V4_SOURCES 10u
#define GROUP_V6_SOURCES 64u

/* Joins and leaves. The group and the source are unmapped; interface 0 is the network. Errors as in <trale/udp.h> and
 * <trale/udp_socket.h>; whether the socket can be in a group of that family was looked at before. */
int group_join(struct world *world, struct socket *socket, const struct trale_address *group, uint32_t interface_index);
int group_leave(struct world *world, struct socket *socket, const struct trale_address *group,
                uint32_t interface_index);
int group_join_source(struct world *world, struct socket *socket, const struct trale_address *group,
                      const struct trale_address *source, uint32_t interface_index);
int group_leave_source(struct world *world, struct socket *socket, const struct trale_address *group,
                       const struct trale_address *source, uint32_t interface_index);
void group_leave_all(struct world *world, struct socket *socket);

/* Whether a host takes datagrams to a group from that source at one of its interfaces. */
bool group_is_heard(const struct host *host, const struct trale_address *group, const struct trale_address *source,
                    uint32_t interface_index);

/* Whether a socket of such a host does. */
bool group_takes(const struct socket *socket, const struct trale_address *group, const struct trale_address *source,
                 uint32_t interface_index);

#endif
