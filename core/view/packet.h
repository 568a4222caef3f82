/* SPDX-License-Identifier: MIT
 *
 * The packets that datagrams and segments were: with headers of IP and of UDP (RFC 768) or TCP (RFC 9293), whose sums
 * are right. */
#ifndef CORE_VIEW_PACKET_H
#define CORE_VIEW_PACKET_H

#include "core/view/events.h"

#define PACKET_MAX (40u + 60u + 65535u)

/* The packet of an event that says what was sent. Returns its length; 0: its addresses or its bytes are not known. */
size_t packet_of_datagram(const struct event *sent, uint8_t packet[PACKET_MAX]);
size_t packet_of_segment(const struct event *sent, uint8_t packet[PACKET_MAX]);

#endif
