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
    struct trale_link *ready = &udp->program->place->ready, *next;
    for (struct trale_link *link = ready->next; link != ready; link = next) {
        struct socket *socket = list_entry(link, struct socket, ready_link);
        next = link->next;
        if (socket->host->n_paused > 0)
            continue; /* until the end of that, when all are looked at again */
        uint32_t bits = socket->ready;
        list_remove(&socket->ready_link);
        socket->ready = 0;
        socket->awaited &= ~bits;
        for (enum udp_wait wait = 0; wait < UDP_WAITS; wait++)
            if ((bits & 1u << wait) != 0)
                udp_wake((struct udp_socket *)(uintptr_t)socket->tag, wait);
    }
}
