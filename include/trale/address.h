/* SPDX-License-Identifier: MIT
 *
 * Addresses of sockets. udp.h reads them from text and writes them. */
#ifndef TRALE_ADDRESS_H
#define TRALE_ADDRESS_H

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An IPv4 or IPv6 address with a port, in the kernel's form. All zero: no address (AF_UNSPEC). */
struct trale_address {
    union {
        struct sockaddr any; /* any.sa_family: AF_INET, AF_INET6 or AF_UNSPEC */
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* Room for any address as text: "[0123:...%interface]:65535" and its NUL. */
#define TRALE_ADDRESS_TEXT 80

/* Whether two addresses are the same: family, address, port, and of IPv6 the zone. An IPv4 address and its mapped form
 * ([::ffff:192.0.2.1]) are not. [any] */
static inline int trale_address_equal(const struct trale_address *a, const struct trale_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return 0;
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return a->any.sa_family != AF_INET6 ||
           (a->v6.sin6_port == b->v6.sin6_port && a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
            memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0);
}

static_assert(sizeof(struct trale_address) == 28, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#endif
