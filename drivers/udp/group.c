/* SPDX-License-Identifier: MIT
 *
 * Groups, by the socket options that both families have (RFC 3678, section 5). */
#include "group.h"

#include "socket.h"

/* The address, or the IPv4 address that an IPv6 socket's caller has written as a mapped one (RFC 4291 2.5.5.2). */
static struct trale_address address_unmapped(const struct udp_socket *socket, const struct trale_address *address)
{
    return socket->family == AF_INET6 ? trale_address_unmap(address) : *address;
}

/* Whether an IPv6 socket receives IPv4 datagrams. */
static bool takes_v4(const struct udp_socket *socket)
{
    int v6_only = 0;
    socklen_t v6_only_size = sizeof v6_only, local_size = sizeof(struct trale_address);
    struct trale_address local;
    return getsockopt(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &v6_only_size) == 0 && v6_only == 0 &&
           getsockname(socket->fd, &local.any, &local_size) == 0 &&
           (IN6_IS_ADDR_UNSPECIFIED(&local.v6.sin6_addr) || IN6_IS_ADDR_V4MAPPED(&local.v6.sin6_addr));
}

/* 0 if the socket can be in a group of that family, else -EAFNOSUPPORT. The kernel would let an IPv6 socket join IPv4
 * groups that it cannot receive from. Whether the socket may leave a group, the kernel knows. */
static int32_t family_check(const struct udp_socket *socket, sa_family_t family, bool joins)
{
    if (family == socket->family)
        return 0;
    return family == AF_INET && socket->family == AF_INET6 && (!joins || takes_v4(socket)) ? 0 : -EAFNOSUPPORT;
}

static int32_t group_set(const struct udp_socket *socket, sa_family_t family, int name, const void *request,
                         socklen_t size)
{
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    return setsockopt(socket->fd, level, name, request, size) < 0 ? -errno : 0;
}

static int32_t group_change(struct trale_udp_socket *base, int name, const struct trale_address *group_address,
                            uint32_t interface_index)
{
    const struct udp_socket *socket = (const struct udp_socket *)base;
    struct group_req request = {.gr_interface = interface_index};
    const struct trale_address group = address_unmapped(socket, group_address);
    int32_t r = family_check(socket, group.any.sa_family, name == MCAST_JOIN_GROUP);
    if (r < 0)
        return r;
    memcpy(&request.gr_group, &group, trale_address_length(&group));
    return group_set(socket, group.any.sa_family, name, &request, sizeof request);
}

static int32_t source_change(struct trale_udp_socket *base, int name, const struct trale_address *group_address,
                             const struct trale_address *source_address, uint32_t interface_index)
{
    const struct udp_socket *socket = (const struct udp_socket *)base;
    struct group_source_req request = {.gsr_interface = interface_index};
    const struct trale_address group = address_unmapped(socket, group_address),
                               source = address_unmapped(socket, source_address);
    int32_t r = family_check(socket, group.any.sa_family, name == MCAST_JOIN_SOURCE_GROUP);
    if (r == 0 && source.any.sa_family != group.any.sa_family)
        r = -EAFNOSUPPORT;
    if (r < 0)
        return r;
    memcpy(&request.gsr_group, &group, trale_address_length(&group));
    memcpy(&request.gsr_source, &source, trale_address_length(&source));
    return group_set(socket, group.any.sa_family, name, &request, sizeof request);
}

int32_t udp_group_join(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                       uint32_t interface_index)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.join");
    return group_change(socket, MCAST_JOIN_GROUP, group, interface_index);
}

int32_t udp_group_leave(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                        uint32_t interface_index)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.leave");
    return group_change(socket, MCAST_LEAVE_GROUP, group, interface_index);
}

int32_t udp_group_join_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                              const struct trale_address *source, uint32_t interface_index)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.join_source");
    return source_change(socket, MCAST_JOIN_SOURCE_GROUP, group, source, interface_index);
}

int32_t udp_group_leave_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                               const struct trale_address *source, uint32_t interface_index)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.leave_source");
    return source_change(socket, MCAST_LEAVE_SOURCE_GROUP, group, source, interface_index);
}
