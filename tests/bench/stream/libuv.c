/* SPDX-License-Identifier: MIT
 *
 * libuv: TCP handles. What can be written at once is, by uv_try_write; uv_write takes the rest. */
#include "stream.h"

#include <uv.h>

static uv_loop_t loop;
static char block[BENCH_STREAM_BLOCK];
static struct bench_count count;

struct end {
    uv_tcp_t tcp;
    uv_write_t write;
};

static void check(const char *what, int r)
{
    if (r < 0) {
        errno = -r;
        bench_die(what);
    }
}

static struct end *end_open(int fd)
{
    struct end *end = calloc(1, sizeof *end);
    if (end == NULL)
        bench_die("calloc");
    check("uv_tcp_init", uv_tcp_init(&loop, &end->tcp));
    check("uv_tcp_open", uv_tcp_open(&end->tcp, fd));
    return end;
}

/* One buffer does for all: what was read is dealt with before the callback returns. */
static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char bytes[BENCH_STREAM_ROOM];
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

static void give_block(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(block, sizeof block);
}

static void end_read(struct end *end, uv_alloc_cb give, uv_read_cb received)
{
    check("uv_read_start", uv_read_start((uv_stream_t *)&end->tcp, give, received));
}

static void write_now(uv_stream_t *stream, char *bytes, size_t size)
{
    uv_buf_t buf = uv_buf_init(bytes, (unsigned)size);
    check("uv_try_write", uv_try_write(stream, &buf, 1));
}

/* --- round trips -------------------------------------------------------------------------------------------------- */

static uint64_t n_pings, start_ns;

static void far_received(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    check("read", (int)n);
    if (n > 0)
        write_now(stream, buf->base, (size_t)n);
}

static void near_received(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    check("read", (int)n);
    if (n > 0 && bench_stream_pinged(&n_pings, start_ns))
        exit(EXIT_SUCCESS);
    if (n > 0)
        write_now(stream, buf->base, (size_t)n);
}

static void bench_ping(size_t n)
{
    int *near = bench_stream_array(n), *far = bench_stream_array(n);
    uv_stream_t **ends = calloc(n, sizeof *ends);
    bench_stream_pairs(near, far, n);
    for (size_t i = 0; i < n; i++) {
        struct end *end = end_open(near[i]);
        ends[i] = (uv_stream_t *)&end->tcp;
        end_read(end, give_buffer, near_received);
        end_read(end_open(far[i]), give_buffer, far_received);
    }
    start_ns = bench_now_ns();
    for (size_t i = 0; i < n; i++)
        write_now(ends[i], block, BENCH_PAYLOAD);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void echo_received(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    far_received(stream, n, buf);
    if (n > 0 && bench_counted(&count, 1, BENCH_STREAM_PINGS))
        exit(EXIT_SUCCESS);
}

static void bench_echo(size_t n)
{
    int *fds = bench_stream_array(n);
    bench_stream_clients(fds, n);
    for (size_t i = 0; i < n; i++)
        end_read(end_open(fds[i]), give_buffer, echo_received);
    uv_run(&loop, UV_RUN_DEFAULT);
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static size_t n_left;

static void send_blocks(struct end *end);

static void sent(uv_write_t *write, int r)
{
    check("uv_write", r);
    if (bench_stream_counted(&count, n_left))
        exit(EXIT_SUCCESS);
    send_blocks(write->data);
}

static void send_blocks(struct end *end)
{
    for (;;) {
        uv_buf_t buf = uv_buf_init(block, sizeof block);
        int n = uv_try_write((uv_stream_t *)&end->tcp, &buf, 1);
        if (n == UV_EAGAIN)
            n = 0;
        check("uv_try_write", n);
        if (n > 0 && bench_stream_counted(&count, (size_t)n))
            exit(EXIT_SUCCESS);
        n_left = sizeof block - (size_t)n;
        if (n_left == 0)
            continue;
        buf = uv_buf_init(block + n, (unsigned)n_left);
        end->write.data = end;
        check("uv_write", uv_write(&end->write, (uv_stream_t *)&end->tcp, &buf, 1, sent));
        return;
    }
}

static void bench_send(size_t n)
{
    (void)n;
    send_blocks(end_open(bench_stream_process(0)));
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void block_received(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)stream;
    (void)buf;
    check("read", (int)n);
    if (bench_stream_counted(&count, (size_t)n))
        exit(EXIT_SUCCESS);
}

static void bench_recv(size_t n)
{
    (void)n;
    end_read(end_open(bench_stream_process(1)), give_block, block_received);
    uv_run(&loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    check("uv_loop_init", uv_loop_init(&loop)); /* no thread: the workloads may fork */
    return bench_stream_main(argc, argv, bench_ping, bench_echo, bench_send, bench_recv);
}
