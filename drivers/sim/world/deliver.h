/* SPDX-License-Identifier: MIT
 *
 * What happens when a datagram, or the report of an error, has reached a host. */
#ifndef SIM_DELIVER_H
#define SIM_DELIVER_H

#include "link.h"
#include "socket.h"

/* A datagram has reached an interface of a host: it goes into the queues of those sockets that it is for, or is lost,
 * and a report may go back. Takes the datagram over. */
void deliver_datagram(struct world *world, struct host *host, struct datagram *datagram);

/* A datagram has come to the end of its link. Takes it over. */
void deliver_arrival(struct world *world, struct datagram *datagram);

/* A report has reached an interface of the host of the datagram's sender, for the socket that is there now. */
void deliver_report(struct world *world, struct host *host, const struct icmp_report *report, uint32_t interface_index);

/* The same at the end of a link. */
void deliver_message(struct world *world, struct icmp_message *message);

/* A datagram must not be fragmented, and is larger than its link takes: a router tells its sender. */
void deliver_too_large(struct world *world, const struct link *link, const struct datagram *datagram);

#endif
