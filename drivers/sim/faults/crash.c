/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include "group.h"
#include "list.h"
#include "port.h"
#include "socket.h"
#include "tcp.h"

static void crash_socket(struct world *world, struct socket *socket)
{
    group_leave_all(world, socket);
    port_unbind(socket);
    while (socket->first != NULL) {
        struct datagram *datagram = socket->first;
        socket->first = datagram->next;
        datagram_lose(world, datagram, TRALE_SIM_LOST_CRASH);
    }
    socket->last = NULL;
    socket->n_queued_bytes = 0;
    socket->error = 0;
}

void crash_host(struct world *world, struct host *host)
{
    for (struct trale_link *link = host->sockets.next; link != &host->sockets; link = link->next)
        crash_socket(world, list_entry(link, struct socket, host_link));
    tcp_crash(world, host);
}

void crash_program(struct world *world, struct world_program *program)
{
    for (struct host *host = world->first_host; host != NULL; host = host->following) {
        for (struct trale_link *link = host->sockets.next, *next; link != &host->sockets; link = next) {
            struct socket *socket = list_entry(link, struct socket, host_link);
            next = link->next;
            if (socket->program != program)
                continue;
            crash_socket(world, socket);
            socket_free(world, socket);
        }
    }
    tcp_leave(world, program);
    world_leave(world, program);
}
