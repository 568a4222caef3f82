/* SPDX-License-Identifier: MIT
 *
 * Receives of errors. */
#ifndef SIM_UDP_ERROR_H
#define SIM_UDP_ERROR_H

#include "udp.h"

/* The member of the table. */
void udp_recv_error(void *instance, struct trale_udp_error *error);

#endif
