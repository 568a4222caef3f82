/* SPDX-License-Identifier: MIT
 *
 * Sockets that are open already: adopted by number, or inherited from a service manager. */
#include "inherit.h"

#include <fcntl.h>

#include "connect.h"
#include "error.h"
#include "info.h"
#include "inherited.h"

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static int32_t fd_get(int fd, int name, int *value)
{
    socklen_t size = sizeof *value;
    return getsockopt(fd, SOL_SOCKET, name, value, &size) < 0 ? -errno : 0;
}

/* -EBUSY: a socket of this instance has the fd already. 0, or -ENOMEM. */
static int32_t fd_check_free(struct udp *udp, int fd)
{
    struct open_fds *fds = &udp->open_fds;
    size_t position = 0;
    if (fds->words == NULL && open_fds_grow(fds, 1))
        for (const struct udp_socket *socket; (socket = udp_memory_next(udp, &position)) != NULL;)
            open_fds_add(fds, socket->fd);
    if (fds->words == NULL)
        return -ENOMEM;
    return open_fds_has(fds, fd) ? -EBUSY : 0;
}

int32_t udp_adopt(void *instance, int32_t fd, struct trale_udp_socket **base)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.adopt");
    int family = 0, type = 0, protocol = 0;
    int32_t r = fd_get(fd, SO_DOMAIN, &family);
    if (r == 0)
        r = fd_get(fd, SO_TYPE, &type);
    if (r == 0)
        r = fd_get(fd, SO_PROTOCOL, &protocol);
    if (r < 0)
        return r;
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
        return -EPROTOTYPE;
    r = fd_check_free(instance, fd);
    if (r < 0)
        return r;
    struct udp_socket *socket = udp_socket_new(instance, fd, (sa_family_t)family);
    if (socket == NULL)
        return -ENOMEM;
    r = udp_error_adopt(socket);
    if (r < 0) {
        udp_socket_free(socket);
        return r;
    }
    udp_info_adopt(socket);
    socket->adopted = true;
    struct trale_address peer;
    socket->connected = udp_peer(instance, &socket->base, &peer) == 0;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    int64_t gro;
    socket->gro = udp_option_get(instance, &socket->base, TRALE_UDP_GRO, &gro) == 0 && gro != 0;
    *base = &socket->base;
    return 0;
}

int32_t udp_inherit(void *instance, const char *name, struct trale_udp_socket **base)
{
    trale_host_expect(&((struct udp *)instance)->host, "trale_udp.inherit");
    int fd = inherited_find(name);
    return fd < 0 ? fd : udp_adopt(instance, fd, base);
}
