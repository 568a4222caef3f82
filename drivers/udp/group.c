/* SPDX-License-Identifier: MIT
 *
 * Groups, through the calls that are the same for both families (RFC 3678, section 5). */
#include "group.h"

#include "socket.h"
#include "address.h"

static int32_t group_set(struct udp_socket *socket, int name, const void *request, socklen_t size)
{
    int level = socket->family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    return setsockopt(socket->fd, level, name, request, size) < 0 ? -errno : 0;
}

static int32_t group_change(struct trale_udp_socket *base, int name, const struct trale_address *group,
                            uint32_t interface_index)
{
    struct udp_socket *socket = (struct udp_socket *)base;
    struct group_req request = {.gr_interface = interface_index};
    if (group->any.sa_family != socket->family)
        return -EAFNOSUPPORT;
    memcpy(&request.gr_group, group, udp_address_length(group));
    return group_set(socket, name, &request, sizeof request);
}

static int32_t source_change(struct trale_udp_socket *base, int name, const struct trale_address *group,
                             const struct trale_address *source, uint32_t interface_index)
{
    struct udp_socket *socket = (struct udp_socket *)base;
    struct group_source_req request = {.gsr_interface = interface_index};
    if (group->any.sa_family != socket->family || source->any.sa_family != socket->family)
        return -EAFNOSUPPORT;
    memcpy(&request.gsr_group, group, udp_address_length(group));
    memcpy(&request.gsr_source, source, udp_address_length(source));
    return group_set(socket, name, &request, sizeof request);
}

int32_t udp_group_join(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                       uint32_t interface_index)
{
    (void)instance;
    return group_change(socket, MCAST_JOIN_GROUP, group, interface_index);
}

int32_t udp_group_leave(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                        uint32_t interface_index)
{
    (void)instance;
    return group_change(socket, MCAST_LEAVE_GROUP, group, interface_index);
}

int32_t udp_group_join_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                              const struct trale_address *source, uint32_t interface_index)
{
    (void)instance;
    return source_change(socket, MCAST_JOIN_SOURCE_GROUP, group, source, interface_index);
}

int32_t udp_group_leave_source(void *instance, struct trale_udp_socket *socket, const struct trale_address *group,
                               const struct trale_address *source, uint32_t interface_index)
{
    (void)instance;
    return source_change(socket, MCAST_LEAVE_SOURCE_GROUP, group, source, interface_index);
}
