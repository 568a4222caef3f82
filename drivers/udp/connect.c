/* SPDX-License-Identifier: MIT
 *
 * A socket's addresses: its own, and its peer's. To remove the peer is connect(2) with AF_UNSPEC, which in Linux
 * (net/ipv4/udp.c, __udp_disconnect) has effects that no caller wants:
 *
 *     A port that the kernel chose is given up.            It is bound again here, by number, which also keeps it.
 *     The binding to an interface ends.                    It is restored here.
 *     An IPv6 socket goes on to drop what comes from       That cannot be undone, so the peer of an IPv6 socket is
 *     other IPv6 addresses than the former peer's.         not removed.
 */
#include "connect.h"

#include <errno.h>
#include <linux/filter.h>

#include "option.h"
#include "socket.h"

int32_t udp_local(void *instance, struct trale_udp_socket *base, struct trale_address *address)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.local");
    struct trale_address local = {0};
    socklen_t length = sizeof local;
    if (getsockname(((struct udp_socket *)base)->fd, &local.any, &length) < 0)
        return -errno;
    *address = local;
    return 0;
}

int32_t udp_peer(void *instance, struct trale_udp_socket *base, struct trale_address *address)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.peer");
    struct trale_address peer = {0};
    socklen_t length = sizeof peer;
    if (getpeername(((struct udp_socket *)base)->fd, &peer.any, &length) < 0)
        return -errno;
    *address = peer;
    return 0;
}

/* Attaches a filter that drops every datagram. */
static int32_t filter_attach(int fd)
{
    struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog filter = {1, &nothing};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0 ? -errno : 0;
}

static void filter_detach(int fd)
{
    int unused = 0;
    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

/* Whether the socket has a filter, which it had when it was adopted. One of eBPF cannot be read. */
static bool has_filter(int fd)
{
    socklen_t n_instructions = 0;
    return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &n_instructions) < 0 || n_instructions > 0;
}

/* Removes the peer, then restores the interface and the port, in this order: a socket without a port receives
 * nothing. */
static int32_t peer_remove(struct udp_socket *socket, int64_t interface)
{
    struct trale_address none = {0}, connected = {0}, local = {0};
    int32_t r = udp_local(udp_of(socket), &socket->base, &connected);
    if (r < 0)
        return r;
    if (connect(socket->fd, &none.any, sizeof none.any) < 0)
        return -errno;
    socket->connected = false;
    if (interface > 0)
        r = udp_option_set(udp_of(socket), &socket->base, TRALE_UDP_INTERFACE, interface);
    if (r == 0)
        r = udp_local(udp_of(socket), &socket->base, &local);
    if (r < 0 || local.v4.sin_port != 0)
        return r;
    local.v4.sin_port = connected.v4.sin_port;
    return bind(socket->fd, &local.any, trale_address_length(&local)) < 0 ? -errno : 0;
}

/* A filter drops all datagrams while a socket that was bound to an interface is open to all interfaces: for ever, if
 * the interface is gone. */
static int32_t socket_disconnect(struct udp_socket *socket)
{
    int64_t interface;
    struct trale_address peer;
    if (socket->family == AF_INET6) {
        bool connected = socket->connected || udp_peer(udp_of(socket), &socket->base, &peer) == 0;
        return connected ? -EOPNOTSUPP : 0;
    }
    int32_t r = udp_option_get(udp_of(socket), &socket->base, TRALE_UDP_INTERFACE, &interface);
    if (r == 0 && interface == 0)
        return peer_remove(socket, 0);
    if (r == 0)
        r = has_filter(socket->fd) ? -EOPNOTSUPP : filter_attach(socket->fd);
    if (r < 0)
        return r;
    r = peer_remove(socket, interface);
    if (r == 0 || socket->connected)
        filter_detach(socket->fd);
    return r;
}

int32_t udp_connect(void *instance, struct trale_udp_socket *base, const struct trale_address *peer)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.connect");
    struct udp_socket *socket = (struct udp_socket *)base;
    socklen_t length = trale_address_length(peer);
    if (peer->any.sa_family == AF_UNSPEC)
        return socket_disconnect(socket);
    if (length == 0)
        return -EAFNOSUPPORT;
    if (connect(socket->fd, &peer->any, length) < 0)
        return -errno;
    socket->connected = true;
    return 0;
}
