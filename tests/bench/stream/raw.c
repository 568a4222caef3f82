/* SPDX-License-Identifier: MIT
 *
 * The limit: TCP by hand on epoll, and for these workloads only. */
#include "stream.h"

static int epoll_fd;

static void watch(int fd, uint32_t events, uint32_t echoes)
{
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)echoes << 32 | (uint32_t)fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("epoll_ctl");
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

static void bench_ping(size_t n)
{
    static char buf[BENCH_STREAM_ROOM];
    int *near = bench_stream_array(n), *far = bench_stream_array(n);
    struct epoll_event events[128];
    uint64_t n_pings = 0;
    bench_stream_pairs(near, far, n);
    for (size_t i = 0; i < n; i++) {
        watch(near[i], EPOLLIN, 0);
        watch(far[i], EPOLLIN, 1);
    }
    uint64_t start_ns = bench_now_ns();
    for (size_t i = 0; i < n; i++)
        write_all(near[i], buf, BENCH_PAYLOAD);
    for (;;) {
        int n_events = epoll_wait(epoll_fd, events, 128, -1);
        for (int i = 0; i < n_events; i++) {
            int fd = (int)(uint32_t)events[i].data.u64;
            size_t size = read_some(fd, buf, sizeof buf);
            if (events[i].data.u64 >> 32 == 0 && bench_stream_pinged(&n_pings, start_ns))
                return;
            write_all(fd, buf, size);
        }
    }
}

static void bench_echo(size_t n)
{
    static char buf[BENCH_STREAM_ROOM];
    struct bench_count count = {0};
    struct epoll_event events[128];
    int *fds = bench_stream_array(n);
    bench_stream_clients(fds, n);
    for (size_t i = 0; i < n; i++)
        watch(fds[i], EPOLLIN, 1);
    for (;;) {
        int n_events = epoll_wait(epoll_fd, events, 128, -1);
        for (int i = 0; i < n_events; i++) {
            int fd = (int)(uint32_t)events[i].data.u64;
            write_all(fd, buf, read_some(fd, buf, sizeof buf));
            if (bench_counted(&count, 1, BENCH_STREAM_PINGS))
                return;
        }
    }
}

/* Waits when the socket's buffer is full, and only then. */
static void bench_send(size_t n)
{
    static char block[BENCH_STREAM_BLOCK];
    struct bench_count count = {0};
    struct epoll_event event;
    size_t n_written = 0;
    (void)n;
    int fd = bench_stream_process(0);
    watch(fd, EPOLLOUT, 0);
    for (;;) {
        ssize_t written = write(fd, block + n_written, sizeof block - n_written);
        if (written < 0 && errno != EAGAIN)
            bench_die("write");
        if (written < 0) {
            epoll_wait(epoll_fd, &event, 1, -1);
            continue;
        }
        n_written = (n_written + (size_t)written) % sizeof block;
        if (bench_stream_counted(&count, (size_t)written))
            return;
    }
}

static void bench_recv(size_t n)
{
    static char block[BENCH_STREAM_BLOCK];
    struct bench_count count = {0};
    struct epoll_event event;
    (void)n;
    int fd = bench_stream_process(1);
    watch(fd, EPOLLIN, 0);
    for (;;) {
        size_t size = read_some(fd, block, sizeof block);
        if (size == 0)
            epoll_wait(epoll_fd, &event, 1, -1);
        else if (bench_stream_counted(&count, size))
            return;
    }
}

int main(int argc, char **argv)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return bench_stream_main(argc, argv, bench_ping, bench_echo, bench_send, bench_recv);
}
