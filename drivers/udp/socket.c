/* SPDX-License-Identifier: MIT */
#include "socket.h"

#include <stdlib.h>

struct udp_socket *udp_socket_new(struct udp *udp, int fd, sa_family_t family)
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
    *socket = (struct udp_socket){
        .base = {&udp->table}, .udp = udp, .generation = socket->generation, .fd = fd, .family = family};
    list_append(&udp->sockets, &socket->link);
    return socket;
}

void udp_socket_free(struct udp_socket *socket)
{
    free(socket->errors);
    socket->errors = NULL;
    socket->fd = -1;
    socket->generation++;
    list_remove(&socket->link);
    list_append(&socket->udp->closed, &socket->link);
}

void udp_socket_free_all(struct udp *udp)
{
    while (!list_is_empty(&udp->closed)) {
        struct udp_socket *socket = list_entry(udp->closed.next, struct udp_socket, link);
        list_remove(&socket->link);
        free(socket);
    }
}

/* A socket on which nothing has waited may still be configured on the thread that opened the runtime. */
void udp_socket_wake_all(struct udp_socket *socket)
{
    const struct trale_host *host = &socket->udp->host;
    if (socket->has_waited)
        host->forget_fd(host->context, socket->fd);
    socket->has_waited = false;
}

void udp_socket_end(struct udp_socket *socket, int32_t error)
{
    socket->end = error;
    udp_socket_wake_all(socket);
}
