/* SPDX-License-Identifier: MIT
 *
 * Code that all contestants share, in C and C++: clocks, memory, random numbers, the other end of a conversation, and
 * the form in which a figure is printed. A contestant is a program; it is called as
 *
 *     PROGRAM WORKLOAD N
 *
 * does the workload of that name (see README.md) and prints its figures, one on a line: "ns 12.3". If it does not have
 * the workload, its exit status is 77. */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BENCH_ABSENT 77

/* The totals, whatever N is. */
#define BENCH_YIELDS 4000000u
#define BENCH_SPAWNS 1000000u
#define BENCH_WAKES 20000u
#define BENCH_CHURNS 2000000u
#define BENCH_PINGS 100000u
#define BENCH_ECHOES 400000u
#define BENCH_BULK 400000u
#define BENCH_CALLS 10000000u

#define BENCH_PAYLOAD 32u      /* bytes of a datagram */
#define BENCH_BULK_BYTES 1200u /* the same in `bulk` */
#define BENCH_WINDOW 256u      /* datagrams of a flood that are on their way at once */

static inline void bench_die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static inline void bench_print(const char *figure, double value)
{
    printf("%s %.6g\n", figure, value);
    fflush(stdout);
}

static inline uint64_t bench_clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t bench_now_ns(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/* Of all threads of this process, in user and kernel. */
static inline uint64_t bench_cpu_ns(void)
{
    return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* What this process has resident. */
static inline uint64_t bench_resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu %llu", &size, &resident) != 2)
        bench_die("/proc/self/statm");
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The same numbers for every contestant. */
static inline uint64_t bench_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static inline void bench_raise_fd_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- sleep: N sleeps that end within two seconds ------------------------------------------------------------------ */

struct bench_sleeps {
    size_t n, n_woken, n_early;
    uint64_t base_ns, start_cpu_ns, start_bytes, standing_bytes;
    uint64_t *late_ns;
};

/* How long all of them have to be made before the first ends. */
static inline uint64_t bench_sleeps_lead_ns(size_t n)
{
    return 1000000000u + 2000u * (uint64_t)n;
}

/* Call before the first sleep is made. */
static inline struct bench_sleeps bench_sleeps_begin(size_t n)
{
    struct bench_sleeps sleeps = {n, 0, 0, 0, 0, 0, 0, NULL};
    sleeps.late_ns = (uint64_t *)malloc(n * sizeof *sleeps.late_ns);
    if (sleeps.late_ns == NULL)
        bench_die("malloc");
    memset(sleeps.late_ns, 0xff, n * sizeof *sleeps.late_ns);
    sleeps.start_bytes = bench_resident_bytes();
    sleeps.start_cpu_ns = bench_cpu_ns();
    sleeps.base_ns = bench_now_ns() + bench_sleeps_lead_ns(n);
    return sleeps;
}

/* The deadline of the next sleep, on CLOCK_MONOTONIC: within two seconds after the lead. */
static inline uint64_t bench_sleeps_deadline_ns(const struct bench_sleeps *sleeps)
{
    return sleeps->base_ns + bench_random() % 2000000000u;
}

/* Call for each sleep that has ended, in what runs because it ended. */
static inline void bench_sleeps_woken(struct bench_sleeps *sleeps, uint64_t deadline_ns)
{
    uint64_t now_ns = bench_now_ns();
    sleeps->n_early += now_ns < deadline_ns;
    sleeps->late_ns[sleeps->n_woken++] = now_ns < deadline_ns ? 0 : now_ns - deadline_ns;
}

static inline int bench_compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Call when all sleeps have begun: measures the memory. */
static inline void bench_sleeps_stand(struct bench_sleeps *sleeps)
{
    sleeps->standing_bytes = bench_resident_bytes();
}

/* Call when all have ended. */
static inline void bench_sleeps_end(struct bench_sleeps *sleeps)
{
    double n = (double)sleeps->n;
    bench_print("cpu_ns", (double)(bench_cpu_ns() - sleeps->start_cpu_ns) / n);
    bench_print("bytes", (double)(sleeps->standing_bytes - sleeps->start_bytes) / n);
    qsort(sleeps->late_ns, sleeps->n_woken, sizeof *sleeps->late_ns, bench_compare);
    bench_print("late_p50_us", (double)sleeps->late_ns[sleeps->n / 2] / 1e3);
    bench_print("late_p99_us", (double)sleeps->late_ns[sleeps->n - sleeps->n / 100 - 1] / 1e3);
    bench_print("late_max_us", (double)sleeps->late_ns[sleeps->n - 1] / 1e3);
    bench_print("early", (double)sleeps->n_early);
    free(sleeps->late_ns);
}

/* --- the other end, in a process of its own ----------------------------------------------------------------------- */

/* A non-blocking socket, bound to a port of the kernel's choice on a loopback address, and that address. */
static inline int bench_socket_on(in_addr_t host, struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t length = sizeof *address;
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(host);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, length) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &length) < 0)
        bench_die("socket");
    return fd;
}

static inline int bench_socket(struct sockaddr_in *address)
{
    return bench_socket_on(INADDR_LOOPBACK, address);
}

/* Forks; the child ends with the parent. To be called before threads are made. */
static inline pid_t bench_fork(void)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        bench_die("fork");
    if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
        _exit(EXIT_FAILURE);
    return child;
}

/* An echo server in another process, which blocks in recvfrom; returns its address. */
static inline struct sockaddr_in bench_echo_server(void)
{
    struct sockaddr_in address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        bench_die("socket");
    if (bench_fork() == 0) {
        char buf[2048];
        for (;;) {
            struct sockaddr_in from;
            length = sizeof from;
            ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &length);
            if (n >= 0)
                sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, length);
        }
    }
    close(fd);
    return address;
}

/* A client in another process that keeps up to BENCH_WINDOW datagrams of BENCH_PAYLOAD bytes on their way to the `n`
 * addresses in turn, and stops when the parent ends. Datagrams that got lost are given up after 20 ms without any
 * answer. It uses recvmmsg and sendmmsg, so that it is not what the contestant waits for. */
static inline void bench_flood(const struct sockaddr_in *addresses, size_t n)
{
    enum { BATCH = 32 };
    if (bench_fork() != 0)
        return;
    static char bytes[BATCH][BENCH_PAYLOAD];
    struct iovec vectors[BATCH];
    struct mmsghdr outgoing[BATCH], incoming[BATCH];
    struct sockaddr_in own;
    /* Another address, so that it does not get a port that a contestant is about to open. */
    int fd = bench_socket_on(INADDR_LOOPBACK + 1, &own);
    size_t next = 0, n_under_way = 0;
    memset(outgoing, 0, sizeof outgoing);
    memset(incoming, 0, sizeof incoming);
    for (size_t i = 0; i < BATCH; i++) {
        vectors[i].iov_base = bytes[i];
        vectors[i].iov_len = BENCH_PAYLOAD;
        outgoing[i].msg_hdr.msg_iov = incoming[i].msg_hdr.msg_iov = &vectors[i];
        outgoing[i].msg_hdr.msg_iovlen = incoming[i].msg_hdr.msg_iovlen = 1;
        outgoing[i].msg_hdr.msg_namelen = sizeof *addresses;
    }
    for (;;) {
        while (n_under_way + BATCH <= BENCH_WINDOW) {
            for (size_t i = 0; i < BATCH; i++, next++)
                outgoing[i].msg_hdr.msg_name = (void *)(uintptr_t)&addresses[next % n];
            int sent = sendmmsg(fd, outgoing, BATCH, 0);
            if (sent <= 0)
                break;
            n_under_way += (size_t)sent;
        }
        struct pollfd readable = {fd, POLLIN, 0};
        if (poll(&readable, 1, 20) == 0)
            n_under_way = 0;
        int received = recvmmsg(fd, incoming, BATCH, 0, NULL);
        if (received > 0)
            n_under_way -= (size_t)received < n_under_way ? (size_t)received : n_under_way;
    }
}

/* --- floods: what is printed of them ------------------------------------------------------------------------------ */

struct bench_count {
    uint64_t n, start_ns, start_cpu_ns;
};

/* Call for each datagram that was echoed (or received, in `bulk`); true when there are `total`, and the figures are
 * printed. The first tenth warms up and is not counted. */
static inline int bench_counted(struct bench_count *count, uint64_t n, uint64_t total)
{
    uint64_t before = count->n, first = total / 10;
    count->n += n;
    if (before < first && count->n >= first) {
        count->start_ns = bench_now_ns();
        count->start_cpu_ns = bench_cpu_ns();
    }
    if (count->n < total)
        return 0;
    if (before >= total)
        return 1;
    double counted = (double)(total - first);
    bench_print("per_second", counted * 1e9 / (double)(bench_now_ns() - count->start_ns));
    bench_print("cpu_ns", (double)(bench_cpu_ns() - count->start_cpu_ns) / counted);
    return 1;
}

#endif
