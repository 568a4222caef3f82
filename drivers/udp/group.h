/* SPDX-License-Identifier: MIT
 *
 * The table's functions for groups. */
#ifndef UDP_GROUP_H
#define UDP_GROUP_H

#include <trale/udp.h>

int32_t udp_group_join(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                       uint32_t interface_index);
int32_t udp_group_leave(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                        uint32_t interface_index);
int32_t udp_group_join_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                              const struct trale_address *source, uint32_t interface_index);
int32_t udp_group_leave_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                               const struct trale_address *source, uint32_t interface_index);

#endif
