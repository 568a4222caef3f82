/* SPDX-License-Identifier: MIT */
#include "udp.h"

#include "list.h"

void udp_wake(struct udp_socket *socket, enum udp_wait wait)
{
    struct trale_link *list = &socket->waiting[wait];
    while (!list_is_empty(list)) {
        struct trale_wait *woken = list_entry(list->next, struct trale_wait, link);
        list_remove(&woken->link);
        program_wake(socket->udp->program, woken->waker);
    }
}

void udp_wake_ready(struct udp *udp)
{
    struct trale_link *ready = &udp->program->place->ready;
    while (!list_is_empty(ready)) {
        struct socket *socket = list_entry(ready->next, struct socket, ready_link);
        uint32_t bits = socket->ready;
        list_remove(&socket->ready_link);
        socket->ready = 0;
        socket->awaited &= ~bits;
        for (enum udp_wait wait = 0; wait < UDP_WAITS; wait++)
            if ((bits & 1u << wait) != 0)
                udp_wake((struct udp_socket *)(uintptr_t)socket->tag, wait);
    }
}
