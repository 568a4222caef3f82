/* SPDX-License-Identifier: MIT
 *
 * The way that a datagram takes: its destination and source, the interface by which it leaves, and what kind of
 * destination that is. */
#ifndef SIM_ROUTE_H
#define SIM_ROUTE_H

#include "socket.h"

enum route_kind {
    ROUTE_LOCAL,     /* to this host */
    ROUTE_HOST,      /* over a link to another host */
    ROUTE_BROADCAST, /* to all hosts of the interface's network */
    ROUTE_GROUP,     /* to those that listen */
    ROUTE_NOWHERE,   /* out of an interface behind which there is no such host */
};

struct route {
    enum route_kind kind;
    struct trale_address from, to; /* with ports, unmapped */
    uint32_t interface_index;
};

/* Which way a datagram of this socket takes. `source` is the source that its sender asks for, without port; NULL or
 * AF_UNSPEC: none. `interface_index` is likewise; 0: none. 0, or a negative errno as of sendmsg(2): -EAFNOSUPPORT,
 * -ENETUNREACH, -EINVAL, -ENODEV, -EACCES. */
int route_find(const struct socket *socket, const struct trale_address *to, const struct trale_address *source,
               uint32_t interface_index, struct route *route);

#endif
