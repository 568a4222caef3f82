/* SPDX-License-Identifier: MIT
 *
 * The flags that a UDP socket is opened with, and its options. Part of udp.h, which includes it. */
#ifndef TRALE_UDP_OPTION_H
#define TRALE_UDP_OPTION_H

/* Flags of trale_udp_open. */
#define TRALE_UDP_REUSE_ADDRESS 1u /* SO_REUSEADDR, socket(7) */
#define TRALE_UDP_REUSE_PORT 2u    /* SO_REUSEPORT: several sockets share one port and its load */
#define TRALE_UDP_V6_ONLY 4u       /* no IPv4 on an IPv6 socket (IPV6_V6ONLY, ipv6(7)); without it, [::] takes both */
#define TRALE_UDP_FREE_BIND 8u     /* `local` need not be an address of this host yet (IP_FREEBIND, ip(7)) */

/* Options of trale_udp_set and trale_udp_get, with their values. On an IPv6 socket each of them holds for IPv4
 * datagrams too. 9 and 10 are in udp_info.h. */
#define TRALE_UDP_BROADCAST 1u           /* 0 or 1: sends to IPv4 broadcast addresses are allowed */
#define TRALE_UDP_TTL 2u                 /* 1 to 255: hop limit of unicast datagrams */
#define TRALE_UDP_MULTICAST_TTL 3u       /* 0 to 255: hop limit of multicast datagrams */
#define TRALE_UDP_MULTICAST_LOOP 4u      /* 0 or 1: this host receives its own multicast datagrams too */
#define TRALE_UDP_MULTICAST_INTERFACE 5u /* the interface's index for multicast sends; 0: the system's choice */

/* Bytes. Linux doubles the value for its own records, and caps it at net.core.rmem_max or wmem_max (socket(7)), without
 * an error: read it back. */
#define TRALE_UDP_RECEIVE_BUFFER 6u
#define TRALE_UDP_SEND_BUFFER 7u

/* 0 or 1: the kernel may join datagrams of one sender (UDP_GRO, udp(7)). Then only trale_udp_recv_batch receives, and
 * sets segment_size. Switched off again, datagrams that were joined before are received as one. */
#define TRALE_UDP_GRO 8u

/* 0 to 255, of datagrams sent: DSCP << 2 | ECN (RFC 2474, RFC 3168). */
#define TRALE_UDP_TRAFFIC_CLASS 11u

/* An interface's index: the socket sends and receives only there; 0: on all interfaces. To change an index again needs
 * CAP_NET_RAW (SO_BINDTODEVICE, socket(7)). */
#define TRALE_UDP_INTERFACE 12u

/* Read only. Queues are in bytes of the kernel's memory: that of datagrams not sent yet (SIOCOUTQ), and that of
 * datagrams not received yet (SO_MEMINFO), to be compared with TRALE_UDP_RECEIVE_BUFFER. Drops are the datagrams that
 * this socket has lost, most of them because its buffer was full (SO_MEMINFO). */
#define TRALE_UDP_SEND_QUEUE 13u
#define TRALE_UDP_RECEIVE_QUEUE 14u
#define TRALE_UDP_DROPS 15u

/* 0 or 1: the socket receives for every group that a socket of this host has joined, not only for its own groups
 * (IP_MULTICAST_ALL, ip(7)). */
#define TRALE_UDP_MULTICAST_ALL 16u

/* What happens to a datagram that is too large (IP_MTU_DISCOVER, ip(7) and ipv6(7)). The path's MTU is the smallest on
 * the way, as far as routers have reported it; the interface's is that of the first link. Only IPv4 routers
 * fragment. */
#define TRALE_UDP_MTU_DISCOVERY 17u
#define TRALE_UDP_MTU_FRAGMENT 0           /* It is fragmented for the path's MTU; routers may fragment it too. */
#define TRALE_UDP_MTU_FOLLOW 1             /* It is fragmented for the path's MTU; routers may not if it fits that. */
#define TRALE_UDP_MTU_DONT_FRAGMENT 2      /* Beyond the path's MTU: -EMSGSIZE. Routers may not fragment. */
#define TRALE_UDP_MTU_PROBE 3              /* Beyond the interface's MTU: -EMSGSIZE. Routers may not (RFC 8899). */
#define TRALE_UDP_MTU_INTERFACE 4          /* Beyond the interface's MTU: -EMSGSIZE. Routers may. */
#define TRALE_UDP_MTU_INTERFACE_FRAGMENT 5 /* It is fragmented for the interface's MTU; routers may fragment it too. */

/* Read only: the path's MTU to the peer, in bytes, IP and UDP headers included (IP_MTU, ip(7)). -ENOTCONN without a
 * peer. */
#define TRALE_UDP_PATH_MTU 18u

#endif
