/* SPDX-License-Identifier: MIT
 *
 * The future of an error. */
#ifndef UDP_RECV_ERROR_H
#define UDP_RECV_ERROR_H

#include <trale/udp_info.h>

/* The table's recv_error. */
void udp_recv_error(void *instance, struct trale_udp_error *error);

#endif
