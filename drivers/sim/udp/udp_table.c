/* SPDX-License-Identifier: MIT */
#include "udp_table.h"

#include "list.h"
#include "udp_error.h"
#include "udp_option.h"
#include "udp_socket.h"
#include "udp_transfer.h"

void udp_init(struct udp *udp, struct program *program, struct tasks *tasks, const struct timer *timer)
{
    udp->program = program;
    udp->tasks = tasks;
    udp->timer = timer;
    list_init(&udp->open);
    list_init(&udp->closed);
    list_init(&program->place->ready);
    udp->table = (struct trale_udp){
        .interface = {.size = sizeof udp->table, .version = 1, .instance = udp},
        .open = udp_open,
        .close = udp_close,
        .connect = udp_connect,
        .local = udp_local,
        .peer = udp_peer,
        .set = udp_set,
        .get = udp_get,
        .join = udp_join,
        .leave = udp_leave,
        .recv = udp_recv,
        .send = udp_send,
        .recv_batch = udp_recv_batch,
        .send_batch = udp_send_batch,
        .try_recv = udp_try_recv,
        .try_send = udp_try_send,
        .try_recv_batch = udp_try_recv_batch,
        .try_send_batch = udp_try_send_batch,
        .join_source = udp_join_source,
        .leave_source = udp_leave_source,
        .adopt = udp_adopt,
        .inherit = udp_inherit,
        .recv_error = udp_recv_error,
    };
}

void udp_deinit(struct udp *udp)
{
    if (udp->program == NULL)
        return;
    while (!list_is_empty(&udp->open))
        udp_close(udp, &list_entry(udp->open.next, struct udp_socket, link)->base);
    udp_socket_free_all(udp);
}
