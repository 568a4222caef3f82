/* SPDX-License-Identifier: MIT
 *
 * What else a UDP socket can do: tries that never wait, groups with chosen sources, and sockets that somebody else has
 * opened. An addition to udp.h, with members that came later: where a driver does not have one, the answer is
 * -EOPNOTSUPP. Threads as in udp.h. */
#ifndef TRALE_UDP_SOCKET_H
#define TRALE_UDP_SOCKET_H

#include <trale/udp.h>

/* Whether a socket's driver has a member of the table. */
#define trale_udp_has_(socket, member)                                                                                 \
    ((socket)->udp->interface.size >= offsetof(struct trale_udp, member) + sizeof((socket)->udp->member) &&            \
     (socket)->udp->member != NULL)

/* --- tries -------------------------------------------------------------------------------------------------------- */

/* The try_ forms do at once what the futures of the same name do, and return what those resolve to, or -EAGAIN where
 * they would wait. They may be called outside of a task's poll as well, and leave nothing behind. */
static inline int64_t trale_udp_try_recv_from(struct trale_udp_recv *recv, struct trale_udp_socket *socket, void *buf,
                                              size_t size)
{
    *recv = (struct trale_udp_recv){.socket = socket, .buf = buf, .size = size};
    if (!trale_udp_has_(socket, try_recv))
        return -EOPNOTSUPP;
    return socket->udp->try_recv(socket->udp->interface.instance, recv);
}

static inline int64_t trale_udp_try_send_to(struct trale_udp_send *send, struct trale_udp_socket *socket,
                                            const void *buf, size_t size, const struct trale_address *to)
{
    *send = (struct trale_udp_send){.socket = socket, .buf = buf, .size = size, .to = *to};
    if (!trale_udp_has_(socket, try_send))
        return -EOPNOTSUPP;
    return socket->udp->try_send(socket->udp->interface.instance, send);
}

/* To the connected peer. */
static inline int64_t trale_udp_try_send(struct trale_udp_send *send, struct trale_udp_socket *socket, const void *buf,
                                         size_t size)
{
    static const struct trale_address peer;
    return trale_udp_try_send_to(send, socket, buf, size, &peer);
}

static inline int64_t trale_udp_try_recv_batch(struct trale_udp_batch *batch, struct trale_udp_socket *socket,
                                               struct trale_datagram *datagrams, size_t n_datagrams)
{
    *batch = (struct trale_udp_batch){.socket = socket, .datagrams = datagrams, .n_datagrams = n_datagrams};
    if (!trale_udp_has_(socket, try_recv_batch))
        return -EOPNOTSUPP;
    return socket->udp->try_recv_batch(socket->udp->interface.instance, batch);
}

static inline int64_t trale_udp_try_send_batch(struct trale_udp_batch *batch, struct trale_udp_socket *socket,
                                               struct trale_datagram *datagrams, size_t n_datagrams)
{
    *batch = (struct trale_udp_batch){.socket = socket, .datagrams = datagrams, .n_datagrams = n_datagrams};
    if (!trale_udp_has_(socket, try_send_batch))
        return -EOPNOTSUPP;
    return socket->udp->try_send_batch(socket->udp->interface.instance, batch);
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* Joins a group for what one source sends to it (RFC 4607); may be called for several sources. A group that was joined
 * for all sources is heard from this one alone after that; trale_udp_join_group does not widen it again but says
 * -EADDRINUSE, and trale_udp_leave_group ends all of it. 0, -EINVAL (not a group), -EADDRNOTAVAIL (joined for this one
 * already), -ENOBUFS (too many sources, net.ipv4.igmp_max_msf), -ENODEV, -EAFNOSUPPORT. */
static inline int trale_udp_join_source_group(struct trale_udp_socket *socket, const struct trale_address *group,
                                              const struct trale_address *source, uint32_t interface_index)
{
    if (!trale_udp_has_(socket, join_source))
        return -EOPNOTSUPP;
    return socket->udp->join_source(socket->udp->interface.instance, socket, group, source, interface_index);
}

/* Ends that for a source, and with the last one leaves the group; -EADDRNOTAVAIL or -EINVAL if it was not joined. */
static inline int trale_udp_leave_source_group(struct trale_udp_socket *socket, const struct trale_address *group,
                                               const struct trale_address *source, uint32_t interface_index)
{
    if (!trale_udp_has_(socket, leave_source))
        return -EOPNOTSUPP;
    return socket->udp->leave_source(socket->udp->interface.instance, socket, group, source, interface_index);
}

/* --- sockets that are open already -------------------------------------------------------------------------------- */

/* Makes a socket of an fd that is not shut down, with what was set there, except that SO_TIMESTAMPING, SO_ZEROCOPY and,
 * on IPv6 sockets, IP_PKTINFO are switched off, and info that was on in one family alone; trale.ini's buffers do not
 * apply. It belongs to the socket from then on, is closed with it,
 * and not inherited by programs that this one executes. 0, and on failure the fd is still the caller's: -EBADF,
 * -ENOTSOCK, -EAFNOSUPPORT (neither IPv4 nor IPv6), -EPROTOTYPE (not UDP), -EBUSY (one of this runtime's sockets has it
 * already; of other runtimes it does not know), -ENOMEM, -ENODEV (no driver offers UDP). */
static inline int trale_udp_adopt(struct trale *runtime, int fd, struct trale_udp_socket **socket)
{
    const struct trale_udp *udp = trale_udp(runtime);
    if (udp == NULL)
        return -ENODEV;
    return udp->adopt == NULL ? -EOPNOTSUPP : udp->adopt(udp->interface.instance, fd, socket);
}

/* Makes a socket of one that a service manager has opened for this program (sd_listen_fds(3)), so that none is ever
 * closed while the service restarts: that of the given name, which systemd.socket(5) calls FileDescriptorName=, the
 * first of them that was not taken yet; or, if none has that name, "0" for the first, "1" for the second, and so on.
 * 0, or -ENOENT (there is none), -EBUSY (taken already), -EINVAL (LISTEN_PID or LISTEN_FDS is no number), or what
 * trale_udp_adopt has. Not to be called by several threads at once. */
static inline int trale_udp_inherit(struct trale *runtime, const char *name, struct trale_udp_socket **socket)
{
    const struct trale_udp *udp = trale_udp(runtime);
    if (udp == NULL)
        return -ENODEV;
    return udp->inherit == NULL ? -EOPNOTSUPP : udp->inherit(udp->interface.instance, name, socket);
}

#endif
