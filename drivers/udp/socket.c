/* SPDX-License-Identifier: MIT */
#include "socket.h"

#include <stdlib.h>

struct udp_socket *udp_socket_new(struct udp *udp, int fd, sa_family_t family)
{
    struct udp_socket *socket = udp_memory_get(udp);
    if (socket == NULL)
        return NULL;
    *socket = (struct udp_socket){
        .base = {&udp->table}, .generation = socket->generation, .fd = fd, .family = (uint8_t)family};
    open_fds_add(&udp->open_fds, fd);
    return socket;
}

void udp_socket_free(struct udp_socket *socket)
{
    open_fds_remove(&udp_of(socket)->open_fds, socket->fd);
    free(udp_socket_errors(socket));
    udp_memory_put(socket);
}

/* A socket on which nothing has waited may still be configured on the thread that opened the runtime. */
void udp_socket_wake_all(struct udp_socket *socket)
{
    const struct trale_host *host = &udp_of(socket)->host;
    if (socket->has_waited)
        host->forget_fd(host->context, socket->fd);
    socket->has_waited = false;
}

void udp_socket_end(struct udp_socket *socket, int32_t error)
{
    socket->end = (int16_t)error;
    udp_socket_wake_all(socket);
}
