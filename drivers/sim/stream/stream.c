/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <stdlib.h>

#include "list.h"
#include "tcp.h"

/* --- sockets ------------------------------------------------------------------------------------------------------ */

struct stream_socket *stream_new(struct stream *stream)
{
    struct stream_socket *socket;
    if (list_is_empty(&stream->closed)) {
        socket = calloc(1, sizeof *socket);
        if (socket == NULL)
            return NULL;
    } else {
        socket = list_entry(stream->closed.next, struct stream_socket, link);
        list_remove(&socket->link);
    }
    *socket = (struct stream_socket){.stream = stream, .generation = socket->generation};
    for (enum stream_wait wait = 0; wait < STREAM_WAITS; wait++)
        list_init(&socket->waiting[wait]);
    return socket;
}

void stream_open(struct stream_socket *socket, struct endpoint *endpoint)
{
    struct stream *stream = socket->stream;
    socket->endpoint = endpoint;
    socket->connection.stream = &stream->table;
    endpoint->program = stream->program->place;
    endpoint->tag = (uintptr_t)socket;
    list_append(&stream->open, &socket->link);
}

static void stream_wake(struct stream_socket *socket, enum stream_wait wait)
{
    struct trale_link *list = &socket->waiting[wait];
    while (!list_is_empty(list)) {
        struct trale_wait *woken = list_entry(list->next, struct trale_wait, link);
        list_remove(&woken->link);
        program_wake(socket->stream->program, woken->waker);
    }
}

void stream_end(struct stream_socket *socket)
{
    struct stream *stream = socket->stream;
    struct program *program = stream->program;
    if (socket->endpoint != NULL) {
        log_event(&program->log, LOG_CLOSE, log_number("socket", (int64_t)socket->endpoint->number));
        tcp_close(program->world, socket->endpoint);
        socket->endpoint = NULL;
        socket->generation++;
        list_remove(&socket->link);
    }
    list_append(&stream->closed, &socket->link);
    for (enum stream_wait wait = 0; wait < STREAM_WAITS; wait++)
        stream_wake(socket, wait);
    stream_wake_ready(stream);
}

void stream_free(struct stream *stream)
{
    while (!list_is_empty(&stream->closed)) {
        struct stream_socket *socket = list_entry(stream->closed.next, struct stream_socket, link);
        list_remove(&socket->link);
        free(socket);
    }
}

/* --- wakes -------------------------------------------------------------------------------------------------------- */

void stream_wake_ready(struct stream *stream)
{
    struct trale_link *ready = &stream->program->place->ready_endpoints, *next;
    for (struct trale_link *link = ready->next; link != ready; link = next) {
        struct endpoint *endpoint = list_entry(link, struct endpoint, ready_link);
        next = link->next;
        if (endpoint->host->n_paused > 0)
            continue; /* until the end of that, when all are looked at again */
        uint32_t bits = endpoint->ready;
        list_remove(&endpoint->ready_link);
        endpoint->ready = 0;
        endpoint->awaited &= ~bits;
        for (enum stream_wait wait = 0; wait < STREAM_WAITS; wait++)
            if ((bits & 1u << wait) != 0)
                stream_wake((struct stream_socket *)(uintptr_t)endpoint->tag, wait);
    }
}
