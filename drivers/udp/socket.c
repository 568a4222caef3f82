/* SPDX-License-Identifier: MIT */
#include "socket.h"

#include <stdlib.h>

struct udp_socket *udp_socket_new(struct udp *udp, int fd, sa_family_t family)
{
    struct udp_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    socket->base.udp = &udp->table;
    socket->udp = udp;
    socket->fd = fd;
    socket->family = family;
    list_init(&socket->waiting);
    list_append(&udp->sockets, &socket->link);
    return socket;
}

void udp_socket_free(struct udp_socket *socket)
{
    list_remove(&socket->link);
    free(socket->errors);
    free(socket);
}

void udp_socket_wake_all(const struct udp_socket *socket)
{
    for (struct trale_link *link = socket->waiting.next; link != &socket->waiting; link = link->next) {
        const struct trale_waker *waker = list_entry(link, struct trale_udp_operation, link)->wait.waker;
        waker->table->wake_by_ref(waker);
    }
}

void udp_socket_cancel_all(struct udp_socket *socket)
{
    while (!list_is_empty(&socket->waiting)) {
        struct trale_link *link = socket->waiting.next;
        list_remove(link);
        list_entry(link, struct trale_udp_operation, link)->state = OPERATION_CANCELLED;
    }
}
