/* SPDX-License-Identifier: MIT */
#include "udp_take.h"

#include <errno.h>

#include "peer.h"
#include "udp_info.h"

int udp_take(struct udp_socket *socket, void *buf, uint64_t size, struct trale_udp_info *info, struct udp_taken *taken)
{
    struct program *program = socket->udp->program;
    struct datagram *first = socket_first(socket->socket);
    if (socket->socket->error < 0)
        return socket_take_error(socket->socket);
    if (first == NULL)
        return -EAGAIN;
    uint32_t segment_size = first->size, n_taken = 0;
    *taken = (struct udp_taken){.from = peer_show(socket->socket, &first->from)};
    udp_info_read(socket, first, info);
    do {
        uint64_t room = size > taken->length ? size - taken->length : 0;
        uint64_t n = first->size < room ? first->size : room;
        if (n > 0)
            memcpy((char *)buf + taken->length, first->bytes, n);
        taken->length += first->size;
        n_taken++;
        log_event(&program->log, LOG_RECEIVED, log_number("datagram", (int64_t)first->number),
                  log_number("socket", (int64_t)socket->socket->number), log_number("size", first->size));
        socket_pop(program->world, socket->socket);
        first = socket_first(socket->socket);
    } while (first != NULL && first->joins);
    if (n_taken > 1 && socket->socket->options.gro)
        taken->segment_size = segment_size;
    return 0;
}
