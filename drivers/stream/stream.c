/* SPDX-License-Identifier: MIT
 *
 * trale.stream/1 on the kernel's sockets: the driver. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "ancillary.h"
#include "connect.h"
#include "inherit.h"
#include "name.h"
#include "option.h"
#include "read.h"
#include "retry.h"
#include "sendfile.h"
#include "socket.h"
#include "write.h"

#define BUFFER_MAX (INT64_C(1) << 30)

enum option { OPTION_RECEIVE_BUFFER, OPTION_SEND_BUFFER, OPTION_BACKLOG, N_OPTIONS };

static const struct trale_option stream_options[] = {
    [OPTION_RECEIVE_BUFFER] = {.name = "receive_buffer",
                               .type = TRALE_OPTION_SIZE,
                               .maximum = BUFFER_MAX,
                               .default_value = "0",
                               .help = "SO_RCVBUF of new sockets; 0: the system adapts it (net.ipv4.tcp_rmem)"},
    [OPTION_SEND_BUFFER] = {.name = "send_buffer",
                            .type = TRALE_OPTION_SIZE,
                            .maximum = BUFFER_MAX,
                            .default_value = "0",
                            .help = "SO_SNDBUF of new sockets; 0: the system adapts it (net.ipv4.tcp_wmem)"},
    [OPTION_BACKLOG] = {.name = "backlog",
                        .type = TRALE_OPTION_INTEGER,
                        .minimum = 1,
                        .maximum = INT_MAX,
                        .default_value = "4096",
                        .help = "how many connections may wait for an accept; at most net.core.somaxconn"},
    [N_OPTIONS] = {.name = NULL},
};

static void stream_set_table(struct stream *stream)
{
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

static int32_t stream_start(const struct trale_host *host, const struct trale_settings *settings, void **instance)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        return -ENOMEM;
    }
    trale_host_copy(&stream->host, host);
    stream->timer = host->interface(host->context, TRALE_TIMER_1, sizeof(struct trale_timer));
    stream->receive_buffer = settings->values[OPTION_RECEIVE_BUFFER].integer;
    stream->send_buffer = settings->values[OPTION_SEND_BUFFER].integer;
    stream->backlog = settings->values[OPTION_BACKLOG].integer;
    stream_set_table(stream);
    int32_t r = stream_retry_start(stream);
    if (r < 0) {
        host->log(host->context, TRALE_LOG_ERROR, "memory is out");
        free(stream);
        return r;
    }
    *instance = stream;
    return 0;
}

static void stream_stop(void *instance)
{
    struct stream *stream = instance;
    for (struct stream_socket *socket = stream->all; socket != NULL; socket = socket->next_made)
        if (socket->generation != 0)
            stream_socket_close(socket);
    stream_memory_free(stream);
    free(stream);
}

static const struct trale_interface *stream_interface(void *instance, const char *name)
{
    return strcmp(name, "trale.stream/1") == 0 ? &((struct stream *)instance)->table.interface : NULL;
}

TRALE_DRIVER(.name = "stream", .version = TRALE_VERSION, .summary = "connections, on the kernel's stream sockets",
             .interfaces = TRALE_STREAM_1, .needs = TRALE_TIMER_1, .options = stream_options, .start = stream_start,
             .stop = stream_stop, .interface = stream_interface);
