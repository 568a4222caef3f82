/* SPDX-License-Identifier: MIT
 *
 * The table's functions for options. */
#ifndef UDP_OPTION_H
#define UDP_OPTION_H

#include <trale/udp.h>

int32_t udp_option_set(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t value);
int32_t udp_option_get(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t *value);

#endif
