/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include "group.h"
#include "list.h"
#include "port.h"
#include "socket.h"

void crash_host(struct world *world, struct host *host)
{
    for (struct trale_link *link = host->sockets.next; link != &host->sockets; link = link->next) {
        struct socket *socket = list_entry(link, struct socket, host_link);
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
}
