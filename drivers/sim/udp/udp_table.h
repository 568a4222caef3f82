/* SPDX-License-Identifier: MIT
 *
 * The interface as a whole. */
#ifndef SIM_UDP_TABLE_H
#define SIM_UDP_TABLE_H

#include "udp.h"

void udp_init(struct udp *udp, struct program *program, struct tasks *tasks, const struct timer *timer);

/* Closes all sockets; no operation is left. */
void udp_deinit(struct udp *udp);

#endif
