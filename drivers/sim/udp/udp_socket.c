/* SPDX-License-Identifier: MIT */
#include "udp_socket.h"

#include <errno.h>
#include <stdlib.h>

#include "course.h"
#include "list.h"
#include "peer.h"
#include "udp_option.h"
#include "tasks.h"

#define OPEN_FLAGS (TRALE_UDP_REUSE_ADDRESS | TRALE_UDP_REUSE_PORT | TRALE_UDP_V6_ONLY | TRALE_UDP_FREE_BIND)

/* Until udp_socket_free_all the memory is used for sockets alone, so that operations can still compare the
 * generation. NULL: no memory. */
static struct udp_socket *udp_socket_new(struct udp *udp)
{
    struct udp_socket *socket;
    if (list_is_empty(&udp->closed)) {
        socket = calloc(1, sizeof *socket);
        if (socket == NULL)
            return NULL;
    } else {
        socket = list_entry(udp->closed.next, struct udp_socket, link);
        list_remove(&socket->link);
    }
    *socket = (struct udp_socket){.base = {&udp->table}, .udp = udp, .generation = socket->generation};
    for (enum udp_wait wait = 0; wait < UDP_WAITS; wait++)
        list_init(&socket->waiting[wait]);
    return socket;
}

void udp_socket_free_all(struct udp *udp)
{
    while (!list_is_empty(&udp->closed)) {
        struct udp_socket *socket = list_entry(udp->closed.next, struct udp_socket, link);
        list_remove(&socket->link);
        free(socket);
    }
}

static bool is_loopback(const struct trale_address *local)
{
    const struct trale_address address = trale_address_unmap(local);
    return trale_address_is_loopback(&address);
}

/* Whether an address does not say on which host the socket is. */
static bool is_anywhere(const struct trale_address *local)
{
    const struct trale_address address = trale_address_unmap(local);
    return trale_address_is_unspecified(&address) || trale_address_is_loopback(&address) ||
           trale_address_is_multicast(&address);
}

int32_t udp_open(void *instance, const struct trale_address *local, uint32_t flags, struct trale_udp_socket **base)
{
    struct udp *udp = instance;
    struct program *program = udp->program;
    trale_host_expect(&program->host, "trale_udp.open");
    if ((flags & ~OPEN_FLAGS) != 0)
        return -EINVAL;
    if (trale_address_length(local) == 0)
        return -EAFNOSUPPORT;
    struct udp_socket *socket = udp_socket_new(udp);
    if (socket == NULL)
        return -ENOMEM;
    const struct peer_flags how = {
        .reuse_address = (flags & TRALE_UDP_REUSE_ADDRESS) != 0,
        .reuse_port = (flags & TRALE_UDP_REUSE_PORT) != 0,
        .v6_only = (flags & TRALE_UDP_V6_ONLY) != 0,
        .free_bind = (flags & TRALE_UDP_FREE_BIND) != 0,
    };
    int32_t r = peer_open(program->world, program->here, local, &how, &socket->socket);
    if (r < 0) {
        list_append(&udp->closed, &socket->link);
        return r;
    }
    socket->socket->program = program->place;
    socket->socket->tag = (uintptr_t)socket;
    list_append(&udp->open, &socket->link);
    udp_set_buffers(socket);
    if (!is_anywhere(local))
        tasks_bind(udp->tasks, socket->socket->host);
    if (!is_loopback(local))
        course_draw(program->world, socket->socket->host);
    log_event(&program->log, LOG_BIND, log_number("socket", (int64_t)socket->socket->number),
              log_address("address", &socket->socket->bound));
    *base = &socket->base;
    return 0;
}

void udp_close(void *instance, struct trale_udp_socket *base)
{
    struct udp *udp = instance;
    struct udp_socket *socket = udp_socket_of(base);
    trale_host_expect(&udp->program->host, "trale_udp.close");
    log_event(&udp->program->log, LOG_CLOSE, log_number("socket", (int64_t)socket->socket->number));
    peer_close(udp->program->world, socket->socket);
    socket->socket = NULL;
    socket->generation++;
    list_remove(&socket->link);
    list_append(&udp->closed, &socket->link);
    for (enum udp_wait wait = 0; wait < UDP_WAITS; wait++)
        udp_wake(socket, wait);
}

int32_t udp_connect(void *instance, struct trale_udp_socket *base, const struct trale_address *peer)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.connect");
    return peer_connect(((struct udp *)instance)->program->world, udp_socket_of(base)->socket, peer);
}

int32_t udp_local(void *instance, struct trale_udp_socket *base, struct trale_address *address)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.local");
    *address = udp_socket_of(base)->socket->local;
    return 0;
}

int32_t udp_peer(void *instance, struct trale_udp_socket *base, struct trale_address *address)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.peer");
    const struct socket *socket = udp_socket_of(base)->socket;
    if (!socket->is_connected)
        return -ENOTCONN;
    *address = peer_address(socket);
    return 0;
}

/* An fd belongs to another network than that of the world. */
int32_t udp_adopt(void *instance, int32_t fd, struct trale_udp_socket **base)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.adopt");
    (void)fd;
    (void)base;
    return -EOPNOTSUPP;
}

int32_t udp_inherit(void *instance, const char *name, struct trale_udp_socket **base)
{
    trale_host_expect(&((struct udp *)instance)->program->host, "trale_udp.inherit");
    (void)name;
    (void)base;
    return -EOPNOTSUPP;
}
