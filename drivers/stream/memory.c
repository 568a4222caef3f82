/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <stdlib.h>

struct stream_socket *stream_memory_get(struct stream *stream)
{
    struct stream_socket *socket = stream->free;
    struct stream_socket *next_made = socket != NULL ? socket->next_made : stream->all;
    if (socket != NULL)
        stream->free = socket->next_free;
    else
        stream->all = socket = malloc(sizeof *socket);
    if (socket == NULL) {
        stream->all = next_made;
        return NULL;
    }
    *socket = (struct stream_socket){.stream = stream, .next_made = next_made, .fd = -1};
    return socket;
}

void stream_memory_open(struct stream_socket *socket)
{
    struct stream *stream = socket->stream;
    stream->generation += stream->generation < UINT32_MAX ? 1 : 2;
    socket->generation = stream->generation;
    open_fds_add(&stream->open_fds, socket->fd);
}

void stream_memory_put(struct stream_socket *socket)
{
    if (socket->generation != 0)
        open_fds_remove(&socket->stream->open_fds, socket->fd);
    socket->generation = 0;
    socket->next_free = socket->stream->free;
    socket->stream->free = socket;
}

void stream_memory_free(struct stream *stream)
{
    while (stream->all != NULL) {
        struct stream_socket *next = stream->all->next_made;
        free(stream->all);
        stream->all = next;
    }
    open_fds_free(&stream->open_fds);
}
