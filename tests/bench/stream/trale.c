/* SPDX-License-Identifier: MIT
 *
 * trale: the driver stream. */
#include "stream.h"

#include <stdbool.h>

#include <trale/stream_socket.h>

static struct trale *runtime;
static struct bench_count count;
static uint64_t n_pings, start_ns;

static void check(const char *what, int64_t r)
{
    if (r < 0)
        exit(trale_perror(what, r));
}

/* The workloads fork first: the runtime may have threads. */
static void open_runtime(void)
{
    check("trale_open", trale_open(&runtime, NULL));
}

static struct trale_stream_socket *adopt(int fd)
{
    struct trale_stream_socket *socket;
    check("a socket", trale_stream_adopt(runtime, fd, &socket));
    return socket;
}

/* --- round trips -------------------------------------------------------------------------------------------------- */

struct echo {
    struct trale_future future;
    struct trale_stream_socket *socket;
    bool counts;
    struct trale_stream_read read;
    struct trale_stream_write write;
    char buf[BENCH_STREAM_ROOM];
};

trale_async(echo)
{
    trale_begin();
    for (;;) {
        trale_await(trale_stream_read(&self->read, self->socket, self->buf, sizeof self->buf));
        if (trale_result() <= 0)
            trale_return(trale_result());
        trale_await(trale_stream_write(&self->write, self->socket, self->buf, (size_t)trale_result()));
        check("write", trale_result());
        if (self->counts && bench_counted(&count, 1, BENCH_STREAM_PINGS))
            exit(EXIT_SUCCESS);
    }
}

struct pinger {
    struct trale_future future;
    struct trale_stream_socket *socket;
    struct trale_stream_read read;
    struct trale_stream_write write;
    char buf[BENCH_STREAM_ROOM];
};

trale_async(pinger)
{
    trale_begin();
    for (;;) {
        trale_await(trale_stream_write(&self->write, self->socket, self->buf, BENCH_PAYLOAD));
        check("write", trale_result());
        trale_await(trale_stream_read(&self->read, self->socket, self->buf, sizeof self->buf));
        check("read", trale_result() == BENCH_PAYLOAD ? 0 : -EIO);
        if (bench_stream_pinged(&n_pings, start_ns))
            exit(EXIT_SUCCESS);
    }
}

static void bench_ping(size_t n)
{
    int *near = bench_stream_array(n), *far = bench_stream_array(n);
    struct trale_stream_socket **sockets = calloc(2 * n, sizeof *sockets);
    bench_stream_pairs(near, far, n);
    open_runtime();
    for (size_t i = 0; i < n; i++) {
        sockets[i] = adopt(near[i]);
        sockets[n + i] = adopt(far[i]);
    }
    start_ns = bench_now_ns();
    for (size_t i = 0; i < n; i++) {
        trale_detach(trale_spawn(runtime, echo, .socket = sockets[n + i]));
        trale_detach(trale_spawn(runtime, pinger, .socket = sockets[i]));
    }
    trale_run(runtime);
}

static void bench_echo(size_t n)
{
    int *fds = bench_stream_array(n);
    struct trale_stream_socket **sockets = calloc(n, sizeof *sockets);
    bench_stream_clients(fds, n);
    open_runtime();
    for (size_t i = 0; i < n; i++)
        sockets[i] = adopt(fds[i]);
    for (size_t i = 0; i < n; i++)
        trale_detach(trale_spawn(runtime, echo, .socket = sockets[i], .counts = true));
    trale_run(runtime);
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

static char block[BENCH_STREAM_BLOCK];

struct sender {
    struct trale_future future;
    struct trale_stream_socket *socket;
    struct trale_stream_write write;
};

trale_async(sender)
{
    trale_begin();
    for (;;) {
        trale_await(trale_stream_write(&self->write, self->socket, block, sizeof block));
        check("write", trale_result());
        if (bench_stream_counted(&count, sizeof block))
            exit(EXIT_SUCCESS);
    }
}

static void bench_send(size_t n)
{
    (void)n;
    int fd = bench_stream_process(0);
    open_runtime();
    check("send", trale_join(trale_spawn(runtime, sender, .socket = adopt(fd))));
}

struct receiver {
    struct trale_future future;
    struct trale_stream_socket *socket;
    struct trale_stream_read read;
};

trale_async(receiver)
{
    trale_begin();
    for (;;) {
        trale_await(trale_stream_read(&self->read, self->socket, block, sizeof block));
        check("read", trale_result());
        if (bench_stream_counted(&count, (size_t)trale_result()))
            exit(EXIT_SUCCESS);
    }
}

static void bench_recv(size_t n)
{
    (void)n;
    int fd = bench_stream_process(1);
    open_runtime();
    check("recv", trale_join(trale_spawn(runtime, receiver, .socket = adopt(fd))));
}

int main(int argc, char **argv)
{
    return bench_stream_main(argc, argv, bench_ping, bench_echo, bench_send, bench_recv);
}
