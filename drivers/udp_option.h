/* SPDX-License-Identifier: MIT
 *
 * The table's functions for options and groups. */
#ifndef UDP_OPTION_H
#define UDP_OPTION_H

#include <trale/udp.h>

int32_t udp_option_set(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t value);
int32_t udp_option_get(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t *value);
int32_t udp_option_join(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                        uint32_t interface_index);
int32_t udp_option_leave(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                         uint32_t interface_index);

#endif
