/* SPDX-License-Identifier: MIT
 *
 * Hosts. A host is there as soon as a socket is bound to its address. It has one address of each family: the host
 * 10.0.0.1 also is fd00::a00:1, and the other way round, so that sockets of [::] have an address too. The host of
 * another address of IPv6 has none of IPv4.
 *
 * A host has two interfaces, as a machine of Linux has: 1 is the loopback interface, which reaches the host alone, with
 * 127.0.0.0/8 and ::1; 2 leads to all other hosts. Its IPv4 network is a /24, which matters for broadcasts alone. */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include <arpa/inet.h>

#include <trale/address.h>

#include "world.h"

#define HOST_LOOPBACK 1u
#define HOST_NETWORK 2u

/* The largest packets of the two interfaces. That of the network is the `mtu` of the defaults. */
#define HOST_LOOPBACK_MTU 65536u

/* The sockets of a port, and of a host. */
struct host_port {
    struct trale_link sockets;   /* by their `port_link`, in the order in which they were bound */
    struct trale_link endpoints; /* of TCP, likewise */
};

#define HOST_PORTS_IN_PAGE 256u
struct host_page {
    struct host_port *ports[HOST_PORTS_IN_PAGE];
};

struct host {
    struct host *next;       /* in its bucket */
    struct host *following;  /* the one that appeared after this one */
    struct trale_address v4; /* without port; AF_UNSPEC: none */
    struct trale_address v6;
    struct trale_address identity; /* host_identity() of both */
    uint64_t key;                  /* of its identity, for draws */
    char name[INET6_ADDRSTRLEN];   /* its identity as text */
    uint32_t number;               /* from 1, in the order in which hosts appear */
    bool is_planned;               /* its faults are (plan.h) */
    bool restarts;                 /* its program can be started again, so it may crash */
    uint32_t n_down;               /* faults by which it is down: what arrives is lost */
    bool has_crashed;              /* its program was dropped, and has not begun again */
    uint64_t crash_unseen;         /* programs that have not dropped what they run there: bit `number - 1` */
    uint64_t restart_unseen;       /* programs that have not begun it again, likewise */
    int64_t clock_ns;              /* by how much its CLOCK_REALTIME was set, in sum */
    uint32_t n_paused;             /* faults by which its tasks do not run, as far as they wait for the driver */
    uint64_t resumes_ns;           /* when the last of them ends; UINT64_MAX: never */
    uint32_t n_memberships;        /* of its sockets, in groups */
    uint32_t n_ephemeral;          /* ports that were chosen for sockets so far */
    uint32_t n_ephemeral_tcp;
    struct trale_link sockets;   /* by their `host_link` */
    struct trale_link endpoints; /* likewise */
    struct host_page *pages[65536 / HOST_PORTS_IN_PAGE];
};

/* The address by which faults and links know a host: without port and zone, IPv4 if the host has such an address. */
struct trale_address host_identity(const struct trale_address *address);

/* A number that stands for an identity. */
uint64_t host_key(const struct trale_address *identity);

/* The host with that address, which is no address of loopback, no group and not unspecified; NULL: there is none. */
struct host *host_find(const struct world *world, const struct trale_address *address);

/* The same; makes the host if there is none. NULL: no memory. */
struct host *host_get(struct world *world, const struct trale_address *address);

/* Adds `change` to the count of crashes, or of pauses, that hold for the host, if the fault is about it. host_get does
 * it for those that hold when the host appears. */
void host_mark(struct host *host, const struct fault *fault, uint32_t change);

/* The sockets of a port (in the host's byte order); NULL: it never had any. host_port_get: NULL: no memory. */
struct host_port *host_port_find(const struct host *host, uint16_t number);
struct host_port *host_port_get(struct world *world, struct host *host, uint16_t number);

/* Whether two addresses are the same but for port and zone. */
bool host_is_same(const struct trale_address *a, const struct trale_address *b);

/* Whether an address reaches this host when it is used on it: its own ones, and those of loopback. */
bool host_has(const struct host *host, const struct trale_address *address);

/* Whether an IPv4 address is a broadcast to all hosts, or to those of this host's network. */
bool host_broadcasts(const struct host *host, const struct trale_address *address);

#endif
