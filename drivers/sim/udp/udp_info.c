/* SPDX-License-Identifier: MIT */
#include "udp_info.h"

#include <errno.h>

#include "peer.h"

#define INFO_ALL (UDP_INFO_RECEIVED | TRALE_UDP_INFO_INTERFACE)

/* The destination, without port; a zone where it needs one. */
static struct trale_address local_of(const struct udp_socket *socket, const struct datagram *datagram)
{
    struct trale_address local = peer_show(socket->socket, &datagram->to);
    trale_address_set_port(&local, 0);
    if (local.any.sa_family == AF_INET6) {
        const struct in6_addr *address = &local.v6.sin6_addr;
        bool has_zone = IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_MC_LINKLOCAL(address);
        local.v6.sin6_scope_id = has_zone ? datagram->interface_index : 0;
    }
    return local;
}

void udp_info_read(const struct udp_socket *socket, const struct datagram *datagram, struct trale_udp_info *info)
{
    if (info == NULL)
        return;
    *info = (struct trale_udp_info){.have = socket->info};
    if ((info->have & TRALE_UDP_INFO_LOCAL) != 0) {
        info->local = local_of(socket, datagram);
        info->interface_index = datagram->interface_index;
    }
    if ((info->have & TRALE_UDP_INFO_TRAFFIC_CLASS) != 0)
        info->traffic_class = datagram->traffic_class;
    if ((info->have & TRALE_UDP_INFO_TTL) != 0)
        info->ttl = datagram->ttl;
    if ((info->have & TRALE_UDP_INFO_DROPS) != 0)
        info->drops = datagram->drops;
    if ((info->have & TRALE_UDP_INFO_TIME) != 0)
        info->time_ns = datagram->arrives_ns + timer_wall(socket->udp->timer) - program_now(socket->udp->program);
}

/* A source brings its interface along only between link-local addresses, which are ambiguous without. */
static uint32_t interface_of(const struct trale_udp_info *info, const struct trale_address *to)
{
    if ((info->have & TRALE_UDP_INFO_INTERFACE) != 0)
        return info->interface_index;
    if ((info->have & TRALE_UDP_INFO_LOCAL) != 0 &&
        (trale_address_is_link_local(&info->local) || trale_address_is_link_local(to)))
        return info->interface_index;
    return 0;
}

static int check(const struct udp_socket *socket, const struct trale_udp_info *info)
{
    if ((info->have & ~INFO_ALL) != 0)
        return -EINVAL;
    if ((info->have & TRALE_UDP_INFO_TRAFFIC_CLASS) != 0 && (info->traffic_class < 0 || info->traffic_class > 255))
        return -EINVAL;
    if ((info->have & TRALE_UDP_INFO_TTL) != 0 && (info->ttl < 1 || info->ttl > 255))
        return -EINVAL;
    if ((info->have & TRALE_UDP_INFO_LOCAL) != 0 && info->local.any.sa_family != AF_UNSPEC &&
        info->local.any.sa_family != socket->socket->family)
        return -EAFNOSUPPORT;
    return (info->have & (TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_INTERFACE)) != 0 && info->interface_index > INT32_MAX
               ? -EINVAL
               : 0;
}

static int write_destination(const struct socket *socket, const struct trale_address *to, struct send *send)
{
    send->to = to;
    if (to->any.sa_family == AF_UNSPEC) {
        send->to = &socket->peer;
        return socket->is_connected ? 0 : -EDESTADDRREQ;
    }
    if (trale_address_length(to) == 0 || (socket->family == AF_INET && to->any.sa_family == AF_INET6))
        return -EAFNOSUPPORT;
    return trale_address_port(to) == 0 ? -EINVAL : 0;
}

int udp_info_write(const struct udp_socket *socket, const struct trale_address *to, const struct trale_udp_info *info,
                   struct send *send)
{
    static const struct trale_address none;
    send->source = &none;
    send->interface_index = 0;
    send->traffic_class = send->ttl = -1;
    if (info != NULL) {
        int r = check(socket, info);
        if (r < 0)
            return r;
        if ((info->have & TRALE_UDP_INFO_LOCAL) != 0)
            send->source = &info->local;
        if ((info->have & TRALE_UDP_INFO_TRAFFIC_CLASS) != 0)
            send->traffic_class = info->traffic_class;
        if ((info->have & TRALE_UDP_INFO_TTL) != 0)
            send->ttl = info->ttl;
        send->interface_index = interface_of(info, to);
    }
    return write_destination(socket->socket, to, send);
}
