/* SPDX-License-Identifier: MIT
 *
 * Options and groups of sockets. */
#ifndef SIM_UDP_OPTION_H
#define SIM_UDP_OPTION_H

#include "udp.h"

/* Sets the buffers of a new socket as trale.ini says. */
void udp_set_buffers(struct udp_socket *socket);

/* The members of the table. */
int32_t udp_set(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t value);
int32_t udp_get(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t *value);
int32_t udp_join(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                 uint32_t interface_index);
int32_t udp_leave(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                  uint32_t interface_index);
int32_t udp_join_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                        const struct trale_address *source, uint32_t interface_index);
int32_t udp_leave_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                         const struct trale_address *source, uint32_t interface_index);

#endif
