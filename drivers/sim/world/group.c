/* SPDX-License-Identifier: MIT */
#include "group.h"

#include <errno.h>

#include "list.h"

struct membership {
    struct trale_link link; /* in the socket's list */
    struct trale_address group;
    uint32_t interface_index;
    bool is_filtered; /* datagrams of `sources` alone are taken; else all */
    uint32_t n_sources;
    struct trale_address sources[GROUP_V6_SOURCES];
};

/* Interface 0 is any. */
static struct membership *membership_find(const struct socket *socket, const struct trale_address *group,
                                          uint32_t interface_index)
{
    for (struct trale_link *link = socket->memberships.next; link != &socket->memberships; link = link->next) {
        struct membership *membership = list_entry(link, struct membership, link);
        if (host_is_same(&membership->group, group) &&
            (interface_index == 0 || interface_index == membership->interface_index))
            return membership;
    }
    return NULL;
}

static uint32_t source_find(const struct membership *membership, const struct trale_address *source)
{
    uint32_t i = 0;
    while (i < membership->n_sources && !host_is_same(&membership->sources[i], source))
        i++;
    return i;
}

static void membership_free(struct world *world, struct socket *socket, struct membership *membership)
{
    list_remove(&membership->link);
    socket->host->n_memberships--;
    socket->n_v4_memberships -= membership->group.any.sa_family == AF_INET;
    world_give(world, membership, sizeof *membership);
}

/* --- joining ------------------------------------------------------------------------------------------------------ */

static int membership_new(struct world *world, struct socket *socket, const struct trale_address *group,
                          uint32_t interface_index, bool is_filtered)
{
    bool v4 = group->any.sa_family == AF_INET;
    if (!trale_address_is_multicast(group))
        return -EINVAL;
    /* With interface 0 Linux refuses an IPv6 group that was joined anywhere, but an IPv4 group there alone. */
    if (interface_index == 0 && !v4 && membership_find(socket, group, 0) != NULL)
        return -EADDRINUSE;
    if (interface_index == 0)
        interface_index = HOST_NETWORK;
    if (interface_index > HOST_NETWORK)
        return -ENODEV;
    if (membership_find(socket, group, interface_index) != NULL)
        return -EADDRINUSE;
    if (v4 && socket->n_v4_memberships >= GROUP_V4_MEMBERSHIPS)
        return -ENOBUFS;
    struct membership *membership = world_alloc(world, sizeof *membership);
    if (membership == NULL)
        return -ENOMEM;
    membership->group = *group;
    membership->interface_index = interface_index;
    membership->is_filtered = is_filtered;
    list_append(&socket->memberships, &membership->link);
    socket->host->n_memberships++;
    socket->n_v4_memberships += v4;
    return 0;
}

int group_join(struct world *world, struct socket *socket, const struct trale_address *group, uint32_t interface_index)
{
    return membership_new(world, socket, group, interface_index, false);
}

int group_leave(struct world *world, struct socket *socket, const struct trale_address *group, uint32_t interface_index)
{
    /* With interface 0 Linux leaves an IPv4 group where it would join it, and an IPv6 group anywhere. */
    if (interface_index == 0 && group->any.sa_family == AF_INET)
        interface_index = HOST_NETWORK;
    struct membership *membership = membership_find(socket, group, interface_index);
    if (membership == NULL)
        return -EADDRNOTAVAIL;
    membership_free(world, socket, membership);
    return 0;
}

int group_join_source(struct world *world, struct socket *socket, const struct trale_address *group,
                      const struct trale_address *source, uint32_t interface_index)
{
    int r = membership_new(world, socket, group, interface_index, true);
    if (r < 0 && r != -EADDRINUSE)
        return r;
    bool v4 = group->any.sa_family == AF_INET;
    struct membership *membership = membership_find(socket, group,
                                                    interface_index == 0 && v4 ? HOST_NETWORK : interface_index);
    uint32_t n_max = v4 ? GROUP_V4_SOURCES : GROUP_V6_SOURCES;
    membership->is_filtered = true;
    if (source_find(membership, source) < membership->n_sources)
        return -EADDRNOTAVAIL;
    if (membership->n_sources == n_max)
        return -ENOBUFS;
    membership->sources[membership->n_sources++] = *source;
    return 0;
}

int group_leave_source(struct world *world, struct socket *socket, const struct trale_address *group,
                       const struct trale_address *source, uint32_t interface_index)
{
    if (!trale_address_is_multicast(group))
        return -EINVAL;
    if (interface_index > HOST_NETWORK)
        return -ENODEV;
    bool v4 = group->any.sa_family == AF_INET;
    struct membership *membership = membership_find(socket, group,
                                                    interface_index == 0 && v4 ? HOST_NETWORK : interface_index);
    if (membership == NULL)
        return -EINVAL;
    /* Linux makes a group that was joined for all sources one of chosen ones before it looks for the source. */
    membership->is_filtered = true;
    uint32_t i = source_find(membership, source);
    if (i == membership->n_sources)
        return -EADDRNOTAVAIL;
    membership->sources[i] = membership->sources[--membership->n_sources];
    if (membership->n_sources == 0)
        membership_free(world, socket, membership);
    return 0;
}

void group_leave_all(struct world *world, struct socket *socket)
{
    while (!list_is_empty(&socket->memberships))
        membership_free(world, socket, list_entry(socket->memberships.next, struct membership, link));
}

/* --- hearing ------------------------------------------------------------------------------------------------------ */

static bool membership_takes(const struct membership *membership, const struct trale_address *source)
{
    return !membership->is_filtered || source_find(membership, source) < membership->n_sources;
}

/* 224.0.0.1 and ff02::1, which every host is in. */
static bool is_all_hosts(const struct trale_address *group)
{
    static const struct in6_addr all_hosts = {.s6_addr = {0xff, 2, [15] = 1}};
    if (group->any.sa_family == AF_INET)
        return group->v4.sin_addr.s_addr == htonl(INADDR_ALLHOSTS_GROUP);
    return memcmp(&group->v6.sin6_addr, &all_hosts, sizeof all_hosts) == 0;
}

bool group_is_heard(const struct host *host, const struct trale_address *group, const struct trale_address *source,
                    uint32_t interface_index)
{
    if (is_all_hosts(group))
        return true;
    if (host->n_memberships == 0)
        return false;
    for (const struct trale_link *link = host->sockets.next; link != &host->sockets; link = link->next) {
        const struct membership *membership = membership_find(list_entry(link, struct socket, host_link), group,
                                                              interface_index);
        if (membership != NULL && membership_takes(membership, source))
            return true;
    }
    return false;
}

bool group_takes(const struct socket *socket, const struct trale_address *group, const struct trale_address *source,
                 uint32_t interface_index)
{
    const struct membership *membership = membership_find(socket, group, interface_index);
    if (membership != NULL)
        return membership_takes(membership, source);
    return group->any.sa_family == AF_INET ? socket->options.multicast_all_v4 : socket->options.multicast_all;
}
