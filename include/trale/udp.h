/* SPDX-License-Identifier: MIT
 *
 * The interface "trale.udp/1": datagrams (RFC 768, RFC 8200). Offered by drivers/udp/udp.c, used through the functions
 * at the end.
 *
 * Addresses are numeric; nothing here resolves names. A socket belongs to the runtime that opened it, and is used on
 * the executor thread. Before any task runs, or with threads = 0, the thread that opened the runtime may open and
 * configure sockets, but not close them, because drivers have tasks of their own.
 *
 * Functions marked [any] may be called on any thread. Errors are negative errno values.
 */
#ifndef TRALE_UDP_H
#define TRALE_UDP_H

#include <trale/trale.h>

#include <trale/address.h>
#include <trale/driver.h>
#include <trale/udp_option.h>

#include <errno.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A socket. A driver's own socket begins with this; applications use only the pointer. */
struct trale_udp_socket {
    /* The table of functions for this socket. The driver sets it when it makes the socket, and does not read it: a
     * layer (layer.h) replaces it by its own. */
    const struct trale_udp *udp;
};

struct trale_udp_info;

/* In the operations below, `wait` and `future.own` are the driver's, from the call that makes the future to its end;
 * before that they are zero. A `size` of UINT32_MAX means so many bytes or more. */

/* A receive. */
struct trale_udp_recv {
    struct trale_future future;
    struct trale_udp_socket *socket;
    void *buf;
    struct trale_udp_info *info; /* lent, see udp_info.h; NULL: none */
    uint32_t size;               /* of buf */
    /* Set when it resolved to a value >= 0, as is *info: */
    uint32_t length;           /* the datagram's whole length */
    uint32_t truncated;        /* 1: the datagram was longer than the buffer, and its rest is lost */
    struct trale_address from; /* the sender */

    struct trale_wait wait;
};

/* A send. */
struct trale_udp_send {
    struct trale_future future;
    struct trale_udp_socket *socket;
    const void *buf;
    const struct trale_udp_info *info; /* lent, see udp_info.h; NULL: none */
    uint32_t size;                     /* UINT32_MAX is too large for any driver: -EMSGSIZE */
    struct trale_address to;           /* AF_UNSPEC: the peer */

    struct trale_wait wait;
};

struct trale_udp_batch;
struct trale_udp_error;

#define TRALE_UDP_1_SIZE 192
#define TRALE_UDP_1 TRALE_INTERFACE("trale.udp/1", TRALE_UDP_1_SIZE)

struct trale_udp {
    struct trale_interface interface; /* version 1 */

    /* The contracts are those of the trale_udp_ functions below. */
    int32_t (*open)(void *instance, const struct trale_address *local, uint32_t flags,
                    struct trale_udp_socket **socket);
    void (*close)(void *instance, struct trale_udp_socket *socket);
    int32_t (*connect)(void *instance, struct trale_udp_socket *socket, const struct trale_address *peer);
    int32_t (*local)(void *instance, struct trale_udp_socket *socket, struct trale_address *address);
    int32_t (*peer)(void *instance, struct trale_udp_socket *socket, struct trale_address *address);
    int32_t (*set)(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t value);
    int32_t (*get)(void *instance, struct trale_udp_socket *socket, uint32_t option, int64_t *value);
    int32_t (*join)(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                    uint32_t interface_index);
    int32_t (*leave)(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                     uint32_t interface_index);
    /* Make *op a future: the driver sets its `type`, here and in polls alone, for a layer (layer.h) may have replaced
     * it. The caller has set what it passes; the rest is zero. */
    void (*recv)(void *instance, struct trale_udp_recv *op);
    void (*send)(void *instance, struct trale_udp_send *op);
    void (*recv_batch)(void *instance, struct trale_udp_batch *op);
    void (*send_batch)(void *instance, struct trale_udp_batch *op);
    /* In udp_socket.h: */
    int64_t (*try_recv)(void *instance, struct trale_udp_recv *op);
    int64_t (*try_send)(void *instance, struct trale_udp_send *op);
    int64_t (*try_recv_batch)(void *instance, struct trale_udp_batch *op);
    int64_t (*try_send_batch)(void *instance, struct trale_udp_batch *op);
    int32_t (*join_source)(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                           const struct trale_address *source, uint32_t interface_index);
    int32_t (*leave_source)(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                            const struct trale_address *source, uint32_t interface_index);
    int32_t (*adopt)(void *instance, int32_t fd, struct trale_udp_socket **socket);
    int32_t (*inherit)(void *instance, const char *name, struct trale_udp_socket **socket);
    /* In udp_info.h: */
    void (*recv_error)(void *instance, struct trale_udp_error *op);
};

static inline uint32_t trale_udp_size_(size_t size)
{
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* What the caller of the functions of the table sets; the rest is zero. */
static inline void trale_udp_recv_init_(struct trale_udp_recv *recv, struct trale_udp_socket *socket, void *buf,
                                        size_t size)
{
    memset(recv, 0, sizeof *recv);
    recv->socket = socket;
    recv->buf = buf;
    recv->size = trale_udp_size_(size);
}

/* `to` may be a part of *send; NULL: the peer. */
static inline void trale_udp_send_init_(struct trale_udp_send *send, struct trale_udp_socket *socket, const void *buf,
                                        size_t size, const struct trale_address *to)
{
    struct trale_address address;
    memset(&address, 0, sizeof address);
    if (to != NULL)
        address = *to;
    memset(send, 0, sizeof *send);
    send->socket = socket;
    send->buf = buf;
    send->size = trale_udp_size_(size);
    send->to = address;
}

/* The runtime's UDP interface; NULL: no driver offers it. [any] */
static inline const struct trale_udp *trale_udp(struct trale *runtime)
{
    return (const struct trale_udp *)trale_interface(runtime, TRALE_UDP_1, sizeof(struct trale_udp));
}

/* Opens a socket of the family of `local`, and binds it to that address; for port 0 the kernel chooses a port. Does not
 * wait. Returns 0, or -ENODEV (no driver offers UDP), -EINVAL (unknown flag), -EAFNOSUPPORT, -EADDRINUSE,
 * -EADDRNOTAVAIL, -EACCES (privileged port), -EMFILE, -ENFILE, -ENOMEM, or another error of bind(2). */
TRALE_CHECK_RESULT static inline int trale_udp_open_at(struct trale *runtime, const struct trale_address *local,
                                                       uint32_t flags, struct trale_udp_socket **socket)
{
    const struct trale_udp *udp = trale_udp(runtime);
    return udp == NULL ? -ENODEV : udp->open(udp->interface.instance, local, flags, socket);
}

/* The same with the address as text (trale_address_parse); more errors: -EINVAL (not an address), -ENODEV (no such
 * zone). */
TRALE_CHECK_RESULT static inline int trale_udp_open(struct trale *runtime, const char *local, uint32_t flags,
                                                    struct trale_udp_socket **socket)
{
    struct trale_address address;
    int r = trale_address_parse(local, &address);
    return r < 0 ? r : trale_udp_open_at(runtime, &address, flags, socket);
}

/* Closes the socket at once. Receives, sends and waits for errors of this socket that have no result yet resolve to
 * -ECANCELED at their next poll, also if it is their first; they may be dropped instead. After this call no function
 * may be called with the socket. NULL is allowed. When the driver stops, it closes the sockets that are still open. */
static inline void trale_udp_close(struct trale_udp_socket *socket)
{
    if (socket != NULL)
        socket->udp->close(socket->udp->interface.instance, socket);
}

/* Sets the peer: sends without an address go to it, and of the datagrams that arrive from now on the socket receives
 * only those of the peer (connect(2)). Does not wait. Returns 0, or -EAFNOSUPPORT, -ENETUNREACH, or another error of
 * connect(2); the peer has not changed then. A second call sets another peer. The first call also chooses the local
 * address of a socket that is bound to 0.0.0.0 or [::]; later calls keep it. A link-local peer binds an IPv6 socket to
 * its interface (TRALE_UDP_INTERFACE), also if the call fails.
 *
 * AF_UNSPEC removes the peer; the port and TRALE_UDP_INTERFACE stay as they are. Returns 0, or:
 *   -EOPNOTSUPP  An IPv6 socket with a peer: Linux would go on to drop datagrams of other IPv6 addresses. Close it and
 *                open another. Or an adopted socket that is bound to an interface and has a filter (SO_ATTACH_FILTER,
 *                socket(7)). The peer has not changed.
 *   -EADDRINUSE  The kernel had chosen the port, and another socket took it during the call. This socket has no port
 *                any more; close it.
 *   -ENODEV      The interface that it was bound to is gone. This socket receives nothing any more; close it. */
static inline int trale_udp_connect(struct trale_udp_socket *socket, const struct trale_address *peer)
{
    return socket->udp->connect(socket->udp->interface.instance, socket, peer);
}

/* Reads the address that the socket is bound to, with the port that the kernel chose. */
static inline int trale_udp_local(struct trale_udp_socket *socket, struct trale_address *address)
{
    return socket->udp->local(socket->udp->interface.instance, socket, address);
}

/* Reads the peer's address. 0, or -ENOTCONN: there is no peer. */
static inline int trale_udp_peer(struct trale_udp_socket *socket, struct trale_address *address)
{
    return socket->udp->peer(socket->udp->interface.instance, socket, address);
}

/* Sets an option (udp_option.h, udp_info.h). Returns 0, or an error, and the option has not changed, in both families:
 * -ENOPROTOOPT (no such option, or it can only be read), -EINVAL (not one of its values), -ENODEV (no such interface),
 * -EPERM, or another error of setsockopt(2). */
static inline int trale_udp_set(struct trale_udp_socket *socket, uint32_t option, int64_t value)
{
    return socket->udp->set(socket->udp->interface.instance, socket, option, value);
}

/* Reads an option from the kernel, which for buffers has another value than was set. An IPv6 socket's options are read
 * for IPv6. Returns 0, or -ENOPROTOOPT (no such option), or another error of getsockopt(2). */
static inline int trale_udp_get(struct trale_udp_socket *socket, uint32_t option, int64_t *value)
{
    return socket->udp->get(socket->udp->interface.instance, socket, option, value);
}

/* Joins a group on an interface (its index; 0: the system's choice). The group's port does not matter. A socket bound
 * to [::] without TRALE_UDP_V6_ONLY can join IPv4 groups too, written as IPv4 or as mapped ([::ffff:239.1.2.3]).
 * Returns 0, or -EINVAL (not a group), -EADDRINUSE (joined already), -ENOBUFS (the socket is in as many IPv4 groups as
 * net.ipv4.igmp_max_memberships allows, by default 20), -ENOMEM (for IPv6 groups, net.core.optmem_max), -ENODEV (no
 * such interface), -EAFNOSUPPORT (the socket does not receive this family). */
static inline int trale_udp_join_group(struct trale_udp_socket *socket, const struct trale_address *group,
                                       uint32_t interface_index)
{
    return socket->udp->join(socket->udp->interface.instance, socket, group, interface_index);
}

/* Leaves a group. Returns 0, or -EADDRNOTAVAIL (not joined), -EAFNOSUPPORT. */
static inline int trale_udp_leave_group(struct trale_udp_socket *socket, const struct trale_address *group,
                                        uint32_t interface_index)
{
    return socket->udp->leave(socket->udp->interface.instance, socket, group, interface_index);
}

/* A future that receives one datagram into buf, which is lent until the future resolves or is dropped. Resolves to the
 * number of bytes in buf, and sets `from`, `length` and `truncated`. 0 is an empty datagram, not an end. Or to:
 *   -ECANCELED     The socket was closed.
 *   -ECONNREFUSED  A host has answered an earlier send of this socket to its peer by "port unreachable" (RFC 1122
 *                  4.1.3.3). No datagram was received; the socket can go on.
 *   -EOPNOTSUPP    TRALE_UDP_GRO is on.
 *   -ECONNABORTED  An administrator has destroyed the socket (ss(8) -K). It receives no more; close it.
 *   -ESHUTDOWN     Another process that shares the socket has shut it down. It receives no more; close it.
 * or to another error of recvfrom(2). Its first poll may do no more than begin to wait (future.h). A dropped receive
 * has taken no datagram. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_udp_recv_from(struct trale_udp_recv *recv, struct trale_udp_socket *socket, void *buf, size_t size)
{
    trale_udp_recv_init_(recv, socket, buf, size);
    socket->udp->recv(socket->udp->interface.instance, recv);
    return &recv->future;
}

/* A future that sends one datagram, of up to 65,507 bytes over IPv4 and 65,527 over IPv6. `buf` is lent until the
 * future resolves or is dropped; *to is copied, and NULL is the peer. Waits while the send buffer is full. Resolves to
 * `size` when the kernel has taken the datagram, which does not promise that it arrives. Or, and the datagram was not
 * sent, to:
 *   -EMSGSIZE      This datagram is too large. No send returns this for an earlier one.
 *   -ENOBUFS       The kernel has no memory, or half of the send buffer is free and the fragments of this datagram do
 *                  not fit all the same: make it larger (TRALE_UDP_SEND_BUFFER).
 *   -ECANCELED     The socket was closed.
 *   -ECONNREFUSED  As in trale_udp_recv_from, for an earlier datagram. Send this one again.
 *   -EACCES        `to` is a broadcast address, and TRALE_UDP_BROADCAST is off.
 *   -EAFNOSUPPORT, -EDESTADDRREQ, or another error of sendto(2).
 * A dropped send has sent nothing; but with a driver on completions (driver.h) it may have sent the datagram, or may
 * still send it. */
TRALE_CHECK_RESULT static inline struct trale_future *trale_udp_send_to(struct trale_udp_send *send,
                                                                        struct trale_udp_socket *socket,
                                                                        const void *buf, size_t size,
                                                                        const struct trale_address *to)
{
    trale_udp_send_init_(send, socket, buf, size, to);
    socket->udp->send(socket->udp->interface.instance, send);
    return &send->future;
}

/* The same from the peer and to the peer. A send without a peer resolves to -EDESTADDRREQ. */
TRALE_CHECK_RESULT static inline struct trale_future *
trale_udp_recv(struct trale_udp_recv *recv, struct trale_udp_socket *socket, void *buf, size_t size)
{
    return trale_udp_recv_from(recv, socket, buf, size);
}

TRALE_CHECK_RESULT static inline struct trale_future *
trale_udp_send(struct trale_udp_send *send, struct trale_udp_socket *socket, const void *buf, size_t size)
{
    return trale_udp_send_to(send, socket, buf, size, NULL);
}

static_assert(offsetof(struct trale_udp, recv_error) + sizeof(void *) == TRALE_UDP_1_SIZE, "append only");
static_assert(sizeof(struct trale_udp_recv) == 128, "frozen: part of frames");
static_assert(sizeof(struct trale_udp_send) == 120, "frozen: part of frames");

#ifdef __cplusplus
}
#endif

#include <trale/udp_batch.h>

#endif
