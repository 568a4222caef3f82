/* SPDX-License-Identifier: MIT
 *
 * libevent: events, with system calls in their callbacks, which is the fastest that it has: a bufferevent copies
 * everything through a buffer of its own. */
#include "stream.h"

#include <event2/event.h>

static struct event_base *base;
static char block[BENCH_STREAM_BLOCK];
static struct bench_count count;

static void open_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) < 0)
        bench_die("event_config");
    base = event_base_new_with_config(config);
    if (base == NULL)
        bench_die("event_base_new");
    event_config_free(config);
}

static void watch(int fd, short events, event_callback_fn run, void *data)
{
    struct event *event = event_new(base, fd, (short)(events | EV_PERSIST), run, data);
    if (event == NULL || event_add(event, NULL) < 0)
        bench_die("event_add");
}

static size_t read_some(int fd, char *buf, size_t size)
{
    ssize_t n = read(fd, buf, size);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        bench_die("read");
    return n > 0 ? (size_t)n : 0;
}

static void write_all(int fd, const char *buf, size_t size)
{
    if (write(fd, buf, size) != (ssize_t)size)
        bench_die("write");
}

/* --- round trips -------------------------------------------------------------------------------------------------- */

static uint64_t n_pings, start_ns;

static void far_ready(evutil_socket_t fd, short events, void *nothing)
{
    (void)events;
    (void)nothing;
    write_all(fd, block, read_some(fd, block, BENCH_STREAM_ROOM));
}

static void near_ready(evutil_socket_t fd, short events, void *nothing)
{
    (void)events;
    (void)nothing;
    size_t n = read_some(fd, block, BENCH_STREAM_ROOM);
    if (n > 0 && bench_stream_pinged(&n_pings, start_ns))
        exit(EXIT_SUCCESS);
    write_all(fd, block, n);
}

static void bench_ping(size_t n)
{
    int *near = bench_stream_array(n), *far = bench_stream_array(n);
    bench_stream_pairs(near, far, n);
    for (size_t i = 0; i < n; i++) {
        watch(near[i], EV_READ, near_ready, NULL);
        watch(far[i], EV_READ, far_ready, NULL);
    }
    start_ns = bench_now_ns();
    for (size_t i = 0; i < n; i++)
        write_all(near[i], block, BENCH_PAYLOAD);
    event_base_dispatch(base);
}

static void echo_ready(evutil_socket_t fd, short events, void *nothing)
{
    far_ready(fd, events, nothing);
    if (bench_counted(&count, 1, BENCH_STREAM_PINGS))
        exit(EXIT_SUCCESS);
}

static void bench_echo(size_t n)
{
    int *fds = bench_stream_array(n);
    bench_stream_clients(fds, n);
    for (size_t i = 0; i < n; i++)
        watch(fds[i], EV_READ, echo_ready, NULL);
    event_base_dispatch(base);
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static void send_ready(evutil_socket_t fd, short events, void *nothing)
{
    static size_t n_written;
    (void)events;
    (void)nothing;
    for (ssize_t n; (n = write(fd, block + n_written, sizeof block - n_written)) >= 0;) {
        n_written = (n_written + (size_t)n) % sizeof block;
        if (bench_stream_counted(&count, (size_t)n))
            exit(EXIT_SUCCESS);
    }
    if (errno != EAGAIN)
        bench_die("write");
}

static void bench_send(size_t n)
{
    (void)n;
    watch(bench_stream_process(0), EV_WRITE, send_ready, NULL);
    event_base_dispatch(base);
}

static void recv_ready(evutil_socket_t fd, short events, void *nothing)
{
    (void)events;
    (void)nothing;
    for (size_t n; (n = read_some(fd, block, sizeof block)) > 0;)
        if (bench_stream_counted(&count, n))
            exit(EXIT_SUCCESS);
}

static void bench_recv(size_t n)
{
    (void)n;
    watch(bench_stream_process(1), EV_READ, recv_ready, NULL);
    event_base_dispatch(base);
}

int main(int argc, char **argv)
{
    open_base();
    return bench_stream_main(argc, argv, bench_ping, bench_echo, bench_send, bench_recv);
}
