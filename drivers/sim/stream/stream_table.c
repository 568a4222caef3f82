/* SPDX-License-Identifier: MIT */
#include "stream_table.h"

#include "list.h"
#include "option.h"
#include "stream_begin.h"
#include "stream_option.h"
#include "stream_transfer.h"
#include "tcp.h"

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static void stream_close(void *instance, struct trale_stream_socket *socket)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.close");
    stream_end(stream_connection(socket));
}

static void stream_close_listener(void *instance, struct trale_stream_listener *listener)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.close_listener");
    stream_end(stream_listener(listener));
}

static int32_t stream_shutdown(void *instance, struct trale_stream_socket *base, uint32_t directions)
{
    struct stream *stream = instance;
    trale_host_expect(&stream->program->host, "trale_stream.shutdown");
    if (directions == 0 || directions > (TRALE_STREAM_READS | TRALE_STREAM_WRITES))
        return -EINVAL;
    int32_t r = tcp_shutdown(stream->program->world, stream_connection(base)->endpoint,
                             (directions & TRALE_STREAM_READS) != 0, (directions & TRALE_STREAM_WRITES) != 0);
    stream_wake_ready(stream);
    return r;
}

static int32_t stream_local(void *instance, struct trale_stream_socket *socket, struct trale_address *address)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.local");
    const struct endpoint *endpoint = stream_connection(socket)->endpoint;
    if (endpoint->family == AF_UNIX)
        return -EAFNOSUPPORT;
    *address = endpoint_show(endpoint, &endpoint->local);
    return 0;
}

static int32_t stream_peer(void *instance, struct trale_stream_socket *socket, struct trale_address *address)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.peer");
    const struct endpoint *endpoint = stream_connection(socket)->endpoint;
    if (endpoint->family == AF_UNIX)
        return -EAFNOSUPPORT;
    if (endpoint->state != ENDPOINT_OPEN)
        return -ENOTCONN;
    *address = endpoint_show(endpoint, &endpoint->peer);
    return 0;
}

static int32_t stream_listener_local(void *instance, struct trale_stream_listener *listener,
                                     struct trale_address *address)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.listener_local");
    const struct endpoint *endpoint = stream_listener(listener)->endpoint;
    if (endpoint->family == AF_UNIX)
        return -EAFNOSUPPORT;
    *address = endpoint_show(endpoint, &endpoint->local);
    return 0;
}

/* --- what is not simulated ---------------------------------------------------------------------------------------- */

/* An fd belongs to another network than that of the world. */
static int32_t stream_adopt(void *instance, int32_t fd, struct trale_stream_socket **socket)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.adopt");
    (void)fd;
    (void)socket;
    return -EOPNOTSUPP;
}

static int32_t stream_adopt_listener(void *instance, int32_t fd, struct trale_stream_listener **listener)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.adopt_listener");
    (void)fd;
    (void)listener;
    return -EOPNOTSUPP;
}

static int32_t stream_inherit(void *instance, const char *name, struct trale_stream_socket **socket)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.inherit");
    (void)name;
    (void)socket;
    return -EOPNOTSUPP;
}

static int32_t stream_inherit_listener(void *instance, const char *name, struct trale_stream_listener **listener)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.inherit_listener");
    (void)name;
    (void)listener;
    return -EOPNOTSUPP;
}

static int32_t stream_release(void *instance, struct trale_stream_socket *socket)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.release");
    (void)socket;
    return -EOPNOTSUPP;
}

static int32_t stream_peer_credentials(void *instance, struct trale_stream_socket *socket,
                                       struct trale_stream_credentials *credentials)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.peer_credentials");
    (void)socket;
    (void)credentials;
    return -EOPNOTSUPP;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

void stream_init(struct stream *stream, struct program *program, struct tasks *tasks)
{
    int64_t receive_buffer = option_integer(program->settings, OPTION_RECEIVE_BUFFER);
    int64_t send_buffer = option_integer(program->settings, OPTION_SEND_BUFFER);
    stream->program = program;
    stream->tasks = tasks;
    stream->backlog = (uint32_t)option_integer(program->settings, OPTION_BACKLOG);
    stream->receive_buffer = receive_buffer > 0 ? stream_buffer(receive_buffer, ENDPOINT_RECEIVE_BUFFER_MIN) : 0;
    stream->send_buffer = send_buffer > 0 ? stream_buffer(send_buffer, ENDPOINT_SEND_BUFFER_MIN) : 0;
    list_init(&stream->open);
    list_init(&stream->closed);
    list_init(&program->place->ready_endpoints);
    stream->table = (struct trale_stream){
        .interface = {.size = sizeof stream->table, .version = 1, .instance = stream},
        .listen = stream_listen,
        .close_listener = stream_close_listener,
        .listener_local = stream_listener_local,
        .set_listener = stream_set_listener,
        .get_listener = stream_get_listener,
        .close = stream_close,
        .shutdown = stream_shutdown,
        .local = stream_local,
        .peer = stream_peer,
        .set = stream_set,
        .get = stream_get,
        .accept = stream_accept,
        .connect = stream_connect,
        .read = stream_read,
        .write = stream_write,
        .sendfile = stream_sendfile,
        .try_read = stream_try_read,
        .try_write = stream_try_write,
        .adopt = stream_adopt,
        .adopt_listener = stream_adopt_listener,
        .inherit = stream_inherit,
        .inherit_listener = stream_inherit_listener,
        .release = stream_release,
        .listen_unix = stream_listen_unix,
        .peer_credentials = stream_peer_credentials,
    };
}

void stream_deinit(struct stream *stream)
{
    if (stream->program == NULL)
        return;
    while (!list_is_empty(&stream->open))
        stream_end(list_entry(stream->open.next, struct stream_socket, link));
    stream_free(stream);
}
