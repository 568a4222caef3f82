/* SPDX-License-Identifier: MIT
 *
 * What the programs of this folder share, beside bench.h: connected TCP sockets, and the other end in a process of its
 * own. All sockets are non-blocking and without Nagle's algorithm. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include "../bench.h"

#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define BENCH_STREAM_PINGS 200000u  /* round trips, of all connections together */
#define BENCH_STREAM_ROOM 4096u     /* bytes of the buffers that messages are read into: more than a message */
#define BENCH_STREAM_BLOCK 65536u   /* bytes of a write in `stream_send`, and of a buffer in `stream_recv` */
#define BENCH_STREAM_BLOCKS 40000u  /* blocks that are sent or received */
#define BENCH_STREAM_BUFFER 1048576 /* bytes of the kernel's buffers: the kernel does not change them by itself then */

static inline void bench_stream_set(int fd, int option, int value, int level)
{
    if (setsockopt(fd, level, option, &value, sizeof value) < 0)
        bench_die("setsockopt");
}

static inline void bench_stream_prepare(int fd)
{
    bench_stream_set(fd, TCP_NODELAY, 1, IPPROTO_TCP);
    bench_stream_set(fd, SO_SNDBUF, BENCH_STREAM_BUFFER, SOL_SOCKET);
    bench_stream_set(fd, SO_RCVBUF, BENCH_STREAM_BUFFER, SOL_SOCKET);
}

/* Makes n connections over loopback: near[i] and far[i] are the two ends of one. */
static inline void bench_stream_pairs(int *near, int *far, size_t n)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 16) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        bench_die("a listener");
    for (size_t i = 0; i < n; i++) {
        near[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (near[i] < 0 || connect(near[i], (struct sockaddr *)&address, sizeof address) < 0)
            bench_die("connect");
        far[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (far[i] < 0 || ioctl(near[i], FIONBIO, &on) < 0)
            bench_die("accept");
        bench_stream_prepare(near[i]);
        bench_stream_prepare(far[i]);
    }
    close(listener);
}

static inline int *bench_stream_array(size_t n)
{
    int *fds = (int *)calloc(n, sizeof *fds);
    if (fds == NULL)
        bench_die("calloc");
    return fds;
}

/* A client in another process, with one message of BENCH_PAYLOAD bytes under way on each of n connections; fds[i] are
 * the near ends. To be called before there are threads. */
static inline void bench_stream_clients(int *fds, size_t n)
{
    int *far = bench_stream_array(n);
    bench_stream_pairs(fds, far, n);
    if (bench_fork() != 0) {
        for (size_t i = 0; i < n; i++)
            close(far[i]);
        free(far);
        return;
    }
    static char bytes[BENCH_PAYLOAD];
    struct epoll_event events[128];
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < n; i++) {
        events[0].events = EPOLLIN;
        events[0].data.fd = far[i];
        close(fds[i]);
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, far[i], events) < 0 || write(far[i], bytes, sizeof bytes) < 0)
            _exit(EXIT_FAILURE);
    }
    for (;;) {
        int n_events = epoll_wait(epoll_fd, events, 128, -1);
        for (int i = 0; i < n_events; i++)
            if (read(events[i].data.fd, bytes, sizeof bytes) <= 0 || write(events[i].data.fd, bytes, sizeof bytes) < 0)
                _exit(EXIT_SUCCESS);
    }
}

/* Keeps the other end on the last core, and this process on the others: where the scheduler puts the two decides about
 * a factor of two otherwise. */
static inline void bench_stream_part(int is_other)
{
    cpu_set_t all, own;
    int last = -1;
    if (sched_getaffinity(0, sizeof all, &all) < 0 || CPU_COUNT(&all) < 2)
        return;
    for (int i = 0; i < CPU_SETSIZE; i++)
        last = CPU_ISSET(i, &all) ? i : last;
    CPU_ZERO(&own);
    CPU_SET(last, &own);
    if (!is_other)
        CPU_XOR(&own, &own, &all);
    if (sched_setaffinity(0, sizeof own, &own) < 0)
        bench_die("sched_setaffinity");
}

/* A process that reads blocks until the end, or one that writes them for ever; returns the near end. */
static inline int bench_stream_process(int writes)
{
    int near, far, off = 0;
    bench_stream_pairs(&near, &far, 1);
    pid_t other = bench_fork();
    bench_stream_part(other == 0);
    if (other == 0) {
        static char block[BENCH_STREAM_BLOCK];
        close(near);
        if (ioctl(far, FIONBIO, &off) < 0)
            _exit(EXIT_FAILURE);
        while ((writes ? write(far, block, sizeof block) : read(far, block, sizeof block)) > 0)
            ;
        _exit(EXIT_SUCCESS);
    }
    close(far);
    return near;
}

/* Counts bytes in place of datagrams: true when all blocks have passed, and the figures, for each block, are printed. */
static inline int bench_stream_counted(struct bench_count *count, size_t n_bytes)
{
    static uint64_t n_all;
    uint64_t before = n_all / BENCH_STREAM_BLOCK;
    n_all += n_bytes;
    uint64_t n_blocks = n_all / BENCH_STREAM_BLOCK - before;
    return n_blocks > 0 && bench_counted(count, n_blocks, BENCH_STREAM_BLOCKS);
}

/* The round trips of one loop: call for each; true when all are done, and the figure is printed. */
static inline int bench_stream_pinged(uint64_t *n, uint64_t start_ns)
{
    if (++*n < BENCH_STREAM_PINGS)
        return 0;
    if (*n == BENCH_STREAM_PINGS)
        bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_STREAM_PINGS);
    return 1;
}

/* The main function of all. */
static inline int bench_stream_main(int argc, char **argv, void (*ping)(size_t n), void (*echo)(size_t n),
                                    void (*send)(size_t n), void (*recv)(size_t n))
{
    const char *names[] = {"stream_ping", "stream_echo", "stream_send", "stream_recv"};
    void (*run[])(size_t n) = {ping, echo, send, recv};
    bench_raise_fd_limit();
    for (size_t i = 0; i < 4; i++) {
        if (argc > 2 && strcmp(argv[1], names[i]) == 0) {
            run[i](strtoul(argv[2], NULL, 10));
            return EXIT_SUCCESS;
        }
    }
    return BENCH_ABSENT;
}

#endif
