/* SPDX-License-Identifier: MIT
 *
 * More about UDP sockets, an addition to udp.h: tries that never wait, groups with chosen sources, and sockets that are
 * open already. Threads as in udp.h. */
#ifndef TRALE_UDP_SOCKET_H
#define TRALE_UDP_SOCKET_H

#include <trale/udp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- tries -------------------------------------------------------------------------------------------------------- */

/* A try does at once what the future of the same name does, and returns what that would resolve to, or -EAGAIN if it
 * would have to wait. It may be called outside of a task's poll, and leaves nothing behind to drop. If a batch sends
 * its first datagram one segment at a time, the datagram's n_sent keeps the progress: a try with the same array goes
 * on. Only a receive that waits notices that another process has shut down the socket; until one has, tries return
 * -EAGAIN. */
static inline int64_t trale_udp_try_recv_from(struct trale_udp_recv *recv, struct trale_udp_socket *socket, void *buf,
                                              size_t size)
{
    trale_udp_recv_init_(recv, socket, buf, size);
    return socket->udp->try_recv(socket->udp->interface.instance, recv);
}

static inline int64_t trale_udp_try_send_to(struct trale_udp_send *send, struct trale_udp_socket *socket,
                                            const void *buf, size_t size, const struct trale_address *to)
{
    trale_udp_send_init_(send, socket, buf, size, to);
    return socket->udp->try_send(socket->udp->interface.instance, send);
}

/* Sends to the peer. */
static inline int64_t trale_udp_try_send(struct trale_udp_send *send, struct trale_udp_socket *socket, const void *buf,
                                         size_t size)
{
    return trale_udp_try_send_to(send, socket, buf, size, NULL);
}

static inline int64_t trale_udp_try_recv_batch(struct trale_udp_batch *batch, struct trale_udp_socket *socket,
                                               struct trale_datagram *datagrams, size_t n_datagrams)
{
    trale_udp_batch_init_(batch, socket, datagrams, n_datagrams);
    return socket->udp->try_recv_batch(socket->udp->interface.instance, batch);
}

static inline int64_t trale_udp_try_send_batch(struct trale_udp_batch *batch, struct trale_udp_socket *socket,
                                               struct trale_datagram *datagrams, size_t n_datagrams)
{
    trale_udp_batch_init_(batch, socket, datagrams, n_datagrams);
    return socket->udp->try_send_batch(socket->udp->interface.instance, batch);
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* Joins a group to receive what one source sends to it (RFC 4607). May be called for several sources. If the group was
 * joined for all sources before, the socket now receives from this source only; trale_udp_join_group then returns
 * -EADDRINUSE and does not widen it again; trale_udp_leave_group leaves the group with all its sources. IPv4 groups on
 * IPv6 sockets: as in trale_udp_join_group. Returns 0, or -EINVAL (not a group), -EADDRNOTAVAIL (joined for this source
 * already), -ENOBUFS (too many sources, net.ipv4.igmp_max_msf and net.ipv6.mld_max_msf, or too many groups, as in
 * trale_udp_join_group), -ENODEV, -EAFNOSUPPORT (the socket does not receive this family, or the source is of the
 * other). */
static inline int trale_udp_join_source_group(struct trale_udp_socket *socket, const struct trale_address *group,
                                              const struct trale_address *source, uint32_t interface_index)
{
    return socket->udp->join_source(socket->udp->interface.instance, socket, group, source, interface_index);
}

/* Removes a source from a group, and leaves the group with the last source. Returns 0, or -EADDRNOTAVAIL or -EINVAL
 * (not joined), -EAFNOSUPPORT. */
static inline int trale_udp_leave_source_group(struct trale_udp_socket *socket, const struct trale_address *group,
                                               const struct trale_address *source, uint32_t interface_index)
{
    return socket->udp->leave_source(socket->udp->interface.instance, socket, group, source, interface_index);
}

/* --- sockets that are open already -------------------------------------------------------------------------------- */

/* Makes a socket of an fd, which is bound or not, but not shut down. Its options stay as they are, except that these
 * are switched off: SO_TIMESTAMPING, SO_ZEROCOPY, on IPv6 sockets IP_PKTINFO, and info that is on in one family alone.
 * The buffers of trale.ini do not apply. From then on the socket owns the fd: it is closed with the socket, and
 * programs that this process executes do not inherit it. Returns 0, or an error, and the fd has not changed and is
 * still the caller's: -EBADF, -ENOTSOCK, -EAFNOSUPPORT (neither IPv4 nor IPv6), -EPROTOTYPE (not UDP), -EBUSY (another
 * socket of this runtime has the fd; other runtimes are not checked), -ENOMEM, -ENODEV (no driver offers UDP). */
TRALE_CHECK_RESULT static inline int trale_udp_adopt(struct trale *runtime, int fd, struct trale_udp_socket **socket)
{
    const struct trale_udp *udp = trale_udp(runtime);
    return udp == NULL ? -ENODEV : udp->adopt(udp->interface.instance, fd, socket);
}

/* Makes a socket of one that a service manager has opened for this program and keeps open while the service restarts
 * (sd_listen_fds(3)). `name` is its FileDescriptorName= (systemd.socket(5)); of several with that name, the first that
 * was not taken yet. If none has the name, "0" is the first socket of the list, "1" the second, and so on. Returns 0,
 * or -ENOENT (no such socket), -EBUSY (taken already), -EINVAL (LISTEN_PID or LISTEN_FDS is no number), or an error of
 * trale_udp_adopt. Reads the environment: threads must not call it at the same time. */
TRALE_CHECK_RESULT static inline int trale_udp_inherit(struct trale *runtime, const char *name,
                                                       struct trale_udp_socket **socket)
{
    const struct trale_udp *udp = trale_udp(runtime);
    return udp == NULL ? -ENODEV : udp->inherit(udp->interface.instance, name, socket);
}

#ifdef __cplusplus
}
#endif

#endif
