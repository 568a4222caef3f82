/* SPDX-License-Identifier: MIT */
#include "stream_option.h"

#include <errno.h>
#include <limits.h>

#include "tcp.h"

#define BUFFER_MAX (ENDPOINT_BUFFER / 2) /* net.core.rmem_max and wmem_max */
#define SOMAXCONN_BACKLOG 4096           /* net.core.somaxconn */

static const struct {
    int64_t minimum, maximum;
} ranges[] = {
    [TRALE_STREAM_NO_DELAY] = {0, 1},
    [TRALE_STREAM_CORK] = {0, 1},
    [TRALE_STREAM_KEEP_ALIVE] = {0, 1},
    [TRALE_STREAM_KEEP_ALIVE_IDLE] = {1, 32767},
    [TRALE_STREAM_KEEP_ALIVE_INTERVAL] = {1, 32767},
    [TRALE_STREAM_KEEP_ALIVE_COUNT] = {1, 127},
    [TRALE_STREAM_USER_TIMEOUT] = {0, INT_MAX},
    [TRALE_STREAM_LINGER] = {-1, 0},
    [TRALE_STREAM_RECEIVE_BUFFER] = {1, INT_MAX},
    [TRALE_STREAM_SEND_BUFFER] = {1, INT_MAX},
    [TRALE_STREAM_NOT_SENT] = {0, INT_MAX},
    [TRALE_STREAM_TRAFFIC_CLASS] = {0, 255},
    [TRALE_STREAM_INTERFACE] = {0, INT_MAX},
};

/* Linux doubles what is asked for. */
uint32_t stream_buffer(int64_t value, uint32_t minimum)
{
    int64_t doubled = 2 * (value < BUFFER_MAX ? value : BUFFER_MAX);
    return doubled > minimum ? (uint32_t)doubled : minimum;
}

/* 0, -ENOPROTOOPT: there is no such option, or -EOPNOTSUPP: it is not for this kind of socket. */
static int32_t check(const struct endpoint *endpoint, uint32_t option)
{
    bool is_general = option == TRALE_STREAM_LINGER || option == TRALE_STREAM_RECEIVE_BUFFER ||
                      option == TRALE_STREAM_SEND_BUFFER;
    if (option == TRALE_STREAM_PASS_CREDENTIALS)
        return -EOPNOTSUPP;
    if (option >= sizeof ranges / sizeof ranges[0] || ranges[option].maximum == ranges[option].minimum)
        return -ENOPROTOOPT;
    return endpoint->family == AF_UNIX && !is_general ? -EOPNOTSUPP : 0;
}

/* --- set ---------------------------------------------------------------------------------------------------------- */

static void apply(struct endpoint_options *options, uint32_t option, int64_t value)
{
    switch (option) {
    case TRALE_STREAM_NO_DELAY:
        options->no_delay = value != 0;
        break;
    case TRALE_STREAM_CORK:
        options->cork = value != 0;
        break;
    case TRALE_STREAM_KEEP_ALIVE:
        options->keep_alive = value != 0;
        break;
    case TRALE_STREAM_KEEP_ALIVE_IDLE:
        options->keep_idle_s = (uint32_t)value;
        break;
    case TRALE_STREAM_KEEP_ALIVE_INTERVAL:
        options->keep_interval_s = (uint32_t)value;
        break;
    case TRALE_STREAM_KEEP_ALIVE_COUNT:
        options->keep_count = (uint32_t)value;
        break;
    case TRALE_STREAM_USER_TIMEOUT:
        options->user_timeout_ms = (uint32_t)value;
        break;
    case TRALE_STREAM_LINGER:
        options->resets = value == 0;
        break;
    case TRALE_STREAM_RECEIVE_BUFFER:
        options->receive_buffer = stream_buffer(value, ENDPOINT_RECEIVE_BUFFER_MIN);
        break;
    case TRALE_STREAM_SEND_BUFFER:
        options->send_buffer = stream_buffer(value, ENDPOINT_SEND_BUFFER_MIN);
        break;
    case TRALE_STREAM_NOT_SENT:
        options->not_sent = (uint32_t)value;
        break;
    case TRALE_STREAM_TRAFFIC_CLASS:
        options->traffic_class = (uint8_t)(value & ~3); /* TCP sets the ECN bits */
        break;
    default:
        options->interface_index = (uint32_t)value;
        break;
    }
}

static int32_t option_set(struct stream_socket *socket, uint32_t option, int64_t value)
{
    int32_t r = check(socket->endpoint, option);
    if (r < 0)
        return r;
    if (value < ranges[option].minimum || value > ranges[option].maximum)
        return -EINVAL;
    if (option == TRALE_STREAM_INTERFACE && value > HOST_NETWORK)
        return -ENODEV;
    apply(&socket->endpoint->options, option, value);
    tcp_configure(socket->stream->program->world, socket->endpoint);
    stream_wake_ready(socket->stream);
    return 0;
}

int32_t stream_set(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t value)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.set");
    return option == TRALE_STREAM_BACKLOG ? -EOPNOTSUPP : option_set(stream_connection(socket), option, value);
}

int32_t stream_set_listener(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t value)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.set_listener");
    struct stream_socket *socket = stream_listener(listener);
    if (option != TRALE_STREAM_BACKLOG)
        return option_set(socket, option, value);
    if (value < 0 || value > INT_MAX)
        return -EINVAL;
    socket->endpoint->backlog = (uint32_t)(value < SOMAXCONN_BACKLOG ? value : SOMAXCONN_BACKLOG);
    return 0;
}

/* --- get ---------------------------------------------------------------------------------------------------------- */

static int64_t look(const struct endpoint_options *options, uint32_t option)
{
    switch (option) {
    case TRALE_STREAM_NO_DELAY:
        return options->no_delay;
    case TRALE_STREAM_CORK:
        return options->cork;
    case TRALE_STREAM_KEEP_ALIVE:
        return options->keep_alive;
    case TRALE_STREAM_KEEP_ALIVE_IDLE:
        return options->keep_idle_s;
    case TRALE_STREAM_KEEP_ALIVE_INTERVAL:
        return options->keep_interval_s;
    case TRALE_STREAM_KEEP_ALIVE_COUNT:
        return options->keep_count;
    case TRALE_STREAM_USER_TIMEOUT:
        return options->user_timeout_ms;
    case TRALE_STREAM_LINGER:
        return options->resets ? 0 : -1;
    case TRALE_STREAM_RECEIVE_BUFFER:
        return options->receive_buffer;
    case TRALE_STREAM_SEND_BUFFER:
        return options->send_buffer;
    case TRALE_STREAM_NOT_SENT:
        return options->not_sent;
    case TRALE_STREAM_TRAFFIC_CLASS:
        return options->traffic_class;
    default:
        return options->interface_index;
    }
}

/* How many bytes the peer has not acknowledged, or, of a Unix socket, not read. */
static uint64_t n_unread(const struct endpoint *endpoint)
{
    const struct endpoint *peer = endpoint_peer(endpoint);
    bool is_there = endpoint->family == AF_UNIX && peer != NULL;
    return endpoint->output.queue.size + (is_there ? peer->input.queue.size : 0);
}

static int32_t option_get(const struct stream_socket *socket, uint32_t option, int64_t *value)
{
    const struct endpoint *endpoint = socket->endpoint;
    bool is_queue = option == TRALE_STREAM_SEND_QUEUE || option == TRALE_STREAM_RECEIVE_QUEUE;
    if (is_queue && endpoint->state == ENDPOINT_LISTENS)
        return -EINVAL;
    int32_t r = is_queue ? 0 : check(endpoint, option);
    if (r < 0)
        return r;
    if (option == TRALE_STREAM_SEND_QUEUE)
        *value = (int64_t)n_unread(endpoint);
    else if (option == TRALE_STREAM_RECEIVE_QUEUE)
        *value = (int64_t)endpoint->input.queue.size;
    else
        *value = look(&endpoint->options, option);
    return 0;
}

int32_t stream_get(void *instance, struct trale_stream_socket *socket, uint32_t option, int64_t *value)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.get");
    return option_get(stream_connection(socket), option, value);
}

int32_t stream_get_listener(void *instance, struct trale_stream_listener *listener, uint32_t option, int64_t *value)
{
    trale_host_expect(&((struct stream *)instance)->program->host, "trale_stream.get_listener");
    return option_get(stream_listener(listener), option, value);
}
