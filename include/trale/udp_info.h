/* SPDX-License-Identifier: MIT
 *
 * What the kernel reports about a datagram beside its bytes and its sender, and why a datagram could not be delivered.
 * An addition to udp.h; threads as there.
 *
 * INFO. Switch on the members that you want by trale_udp_set(socket, TRALE_UDP_INFO, TRALE_UDP_INFO_LOCAL | ...), and
 * receive with a `struct trale_udp_info`: by trale_udp_recv_info, or in a batch (its datagrams have an `info`). With a
 * datagram that is sent (trale_udp_send_info, or in a batch), the info sets the source, interface, class and time to
 * live.
 *
 * To answer from the address that was asked, which matters to a socket bound to 0.0.0.0 or [::], send the datagram back
 * with its info and have = TRALE_UDP_INFO_LOCAL. (Not if it came to a group or by broadcast: such an address cannot be
 * a source.) The answer takes the route to its destination, which may lead through another interface than the question;
 * but between link-local addresses (fe80::/10, 169.254.0.0/16) it takes the interface of the question.
 *
 * TRALE_UDP_INFO_INTERFACE asks for an interface. IPv4 then ignores the route. IPv6 takes a route through the
 * interface; if there is none, the send resolves to -ENETUNREACH, or, with TRALE_UDP_INFO_LOCAL as well, takes another
 * route. A socket that is bound to no interface but receives from VRFs (net.ipv4.udp_l3mdev_accept) needs this to
 * answer into the VRF.
 *
 * ERRORS. A router or the receiving host may report that a datagram did not arrive (ICMP, RFC 1122 4.1.3.3), and this
 * host that a datagram is too large for the path.
 *
 * With TRALE_UDP_ERRORS off, the next receive or send of a socket with a peer resolves to such an error, for example
 * -ECONNREFUSED, except if an earlier datagram was too large. A socket without a peer reports no errors.
 *
 * With TRALE_UDP_ERRORS on, trale_udp_recv_error reports every error of either socket, with the destination, and no
 * receive or send fails because of an earlier datagram. A send then also resolves to -ENOBUFS if the interface's queue
 * has dropped its datagram, which goes unreported with errors off. A batch of sends to a peer needs one system call
 * with errors on, and one for each datagram with errors off.
 */
#ifndef TRALE_UDP_INFO_H
#define TRALE_UDP_INFO_H

#include <trale/udp.h>
#include <trale/udp_socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- info --------------------------------------------------------------------------------------------------------- */

/* An option of trale_udp_set. Its value is a set of the bits below: the members that a receive sets from now on. */
#define TRALE_UDP_INFO 9u

#define TRALE_UDP_INFO_LOCAL 1u         /* local; a receive sets interface_index too (IP_PKTINFO, ip(7)) */
#define TRALE_UDP_INFO_TRAFFIC_CLASS 2u /* traffic_class */
#define TRALE_UDP_INFO_TTL 4u           /* ttl */
#define TRALE_UDP_INFO_TIME 8u          /* time_ns; a send ignores it */
#define TRALE_UDP_INFO_DROPS 16u        /* drops; a send ignores it */
#define TRALE_UDP_INFO_INTERFACE 32u    /* interface_index; for sends only */

/* A receive sets it; a send reads it. */
struct trale_udp_info {
    uint32_t have;              /* the TRALE_UDP_INFO_ bits of the members that are set */
    uint32_t interface_index;   /* received: where the datagram came in; sent: where it goes out; 0: by the route */
    struct trale_address local; /* received: the destination; sent: the source, an address of this host. Without port */
    int32_t traffic_class;      /* 0 to 255: DSCP << 2 | ECN (RFC 2474, RFC 3168) */
    int32_t ttl;                /* 1 to 255: hops; received: those that were left */
    uint32_t drops;             /* datagrams that the socket had lost by then, for lack of room (SO_RXQ_OVFL) */
    uint64_t time_ns;           /* when the kernel received it, on CLOCK_REALTIME (SO_TIMESTAMPNS, socket(7)) */
};

/* As trale_udp_recv_from, and sets *info, which is lent as buf is: its `have` says what is known. A receive that fails
 * or is dropped leaves *info as it was. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_udp_recv_info(struct trale_udp_recv *recv,
                                                                          struct trale_udp_socket *socket, void *buf,
                                                                          size_t size, struct trale_udp_info *info)
{
    trale_udp_recv_init_(recv, socket, buf, size);
    recv->info = info;
    socket->udp->recv(socket->udp->interface.instance, recv);
    return &recv->future;
}

/* As trale_udp_send_to, with what info->have names; *info is lent as buf is. `to` is NULL for the peer. Resolves also
 * to -EINVAL (a value that does not fit), -EAFNOSUPPORT (`local` is of the other family), or another error of
 * sendmsg(2). */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_udp_send_info(struct trale_udp_send *send, struct trale_udp_socket *socket, const void *buf, size_t size,
                    const struct trale_address *to, const struct trale_udp_info *info)
{
    trale_udp_send_init_(send, socket, buf, size, to);
    send->info = info;
    socket->udp->send(socket->udp->interface.instance, send);
    return &send->future;
}

/* The same as tries (udp_socket.h). */
static inline int64_t trale_udp_try_recv_info(struct trale_udp_recv *recv, struct trale_udp_socket *socket, void *buf,
                                              size_t size, struct trale_udp_info *info)
{
    trale_udp_recv_init_(recv, socket, buf, size);
    recv->info = info;
    return socket->udp->try_recv(socket->udp->interface.instance, recv);
}

static inline int64_t trale_udp_try_send_info(struct trale_udp_send *send, struct trale_udp_socket *socket,
                                              const void *buf, size_t size, const struct trale_address *to,
                                              const struct trale_udp_info *info)
{
    trale_udp_send_init_(send, socket, buf, size, to);
    send->info = info;
    return socket->udp->try_send(socket->udp->interface.instance, send);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

/* An option of trale_udp_set, 0 or 1: trale_udp_recv_error reports errors (IP_RECVERR, ip(7)). Errors that were not
 * received yet when it is switched on or off are lost. */
#define TRALE_UDP_ERRORS 10u

/* How many errors a socket keeps until they are received. If there are more, the oldest are lost, and counted. */
#define TRALE_UDP_ERRORS_KEPT 32u

/* Where an error was found. */
#define TRALE_UDP_ORIGIN_LOCAL 1u /* this host */
#define TRALE_UDP_ORIGIN_ICMP 2u  /* RFC 792 */
#define TRALE_UDP_ORIGIN_ICMP6 3u /* RFC 4443 */

/* A receive of an error. */
struct trale_udp_error {
    struct trale_future future;
    struct trale_udp_socket *socket;
    void *buf;
    uint64_t size;
    /* Set when it resolved to a value >= 0: */
    struct trale_address to;   /* the datagram's destination; port 0: not known */
    struct trale_address from; /* the host that reports it, with port 0; AF_UNSPEC: this host */
    int32_t error;             /* a negative errno: -ECONNREFUSED, -EHOSTUNREACH, -EMSGSIZE, ... */
    uint32_t origin;           /* TRALE_UDP_ORIGIN_ */
    uint32_t type, code;       /* of the ICMP message */
    uint32_t mtu;              /* for -EMSGSIZE the path's MTU, in bytes; else 0 */
    uint32_t n_lost;           /* errors that the socket lost before this one; those the kernel lost are not counted */

    struct trale_wait wait; /* the driver's, as is future.own */
};

/* A future that waits for the next error, and copies the beginning of the datagram that failed into buf: as much of it
 * as was sent back, at most 64 bytes. buf is lent until the future resolves or is dropped; NULL is allowed for size 0.
 * Resolves to the number of bytes in buf. Or to -EOPNOTSUPP (TRALE_UDP_ERRORS is off),
 * -ECANCELED (the socket was closed), or an error of epoll_ctl(2). A dropped receive has taken no error. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_udp_recv_error(struct trale_udp_error *error, struct trale_udp_socket *socket, void *buf, size_t size)
{
    memset(error, 0, sizeof *error);
    error->socket = socket;
    error->buf = buf;
    error->size = size;
    socket->udp->recv_error(socket->udp->interface.instance, error);
    return &error->future;
}

static_assert(sizeof(struct trale_udp_info) == 56, "frozen: applications have them");
static_assert(sizeof(struct trale_udp_error) == 168, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#endif
