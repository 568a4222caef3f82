/* SPDX-License-Identifier: MIT
 *
 * The limit: each workload written by hand on system calls, and for this workload only. It leaves out all that the
 * workload does not need: no cancellation, no second kind of event, and an error ends the program. */
#include "bench.h"

#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

static unsigned long n_given;

static int epoll_with(int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("epoll");
    return epoll_fd;
}

/* --- callbacks in a line ------------------------------------------------------------------------------------------ */

struct call {
    struct call *next;
    void (*run)(struct call *call);
    uint64_t n;
};
static struct call *first, **last = &first;

static void enqueue(struct call *call)
{
    call->next = NULL;
    *last = call;
    last = &call->next;
}

static void run_line(void)
{
    while (first != NULL) {
        struct call *call = first;
        first = call->next;
        if (first == NULL)
            last = &first;
        call->run(call);
    }
}

static void run_again(struct call *call)
{
    if (call->n-- > 0)
        enqueue(call);
}

static void bench_yield(void)
{
    struct call *calls = calloc(n_given, sizeof *calls);
    uint64_t start_ns = bench_now_ns();
    for (unsigned long i = 0; i < n_given; i++) {
        calls[i] = (struct call){.run = run_again, .n = BENCH_YIELDS / n_given};
        enqueue(&calls[i]);
    }
    run_line();
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)(BENCH_YIELDS / n_given * n_given));
}

static void run_once(struct call *call)
{
    free(call);
}

static void bench_spawn(void)
{
    uint64_t start_ns = bench_now_ns(), n_done = 0;
    for (; n_done < BENCH_SPAWNS; n_done += n_given) {
        for (unsigned long i = 0; i < n_given; i++) {
            struct call *call = malloc(sizeof *call);
            if (call == NULL)
                bench_die("malloc");
            call->run = run_once;
            enqueue(call);
        }
        run_line();
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)n_done);
}

/* --- wake: N = 1 in epoll, N = 2 on a futex ----------------------------------------------------------------------- */

static sem_t answered, asked;
static int event_fd, event_epoll_fd;

static void *answer(void *nothing)
{
    struct epoll_event event;
    uint64_t count;
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        if (n_given == 2)
            sem_wait(&asked);
        else if (epoll_wait(event_epoll_fd, &event, 1, -1) != 1 || read(event_fd, &count, sizeof count) < 0)
            bench_die("eventfd");
        sem_post(&answered);
    }
    return nothing;
}

static void bench_wake(void)
{
    const uint64_t one = 1;
    pthread_t thread;
    sem_init(&answered, 0, 0);
    sem_init(&asked, 0, 0);
    event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    event_epoll_fd = epoll_with(event_fd);
    pthread_create(&thread, NULL, answer, NULL);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        if (n_given == 2)
            sem_post(&asked);
        else if (write(event_fd, &one, sizeof one) < 0)
            bench_die("eventfd");
        sem_wait(&answered);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_WAKES);
    pthread_join(thread, NULL);
}

/* --- timers: a heap of pointers to what was allocated for each sleep, and one timerfd ----------------------------- */

struct timer {
    uint64_t deadline_ns;
    size_t position;
};
struct entry {
    uint64_t deadline_ns;
    struct timer *timer;
};
static struct entry *heap;
static size_t n_entries;

static void heap_put(size_t position, struct entry entry)
{
    heap[position] = entry;
    entry.timer->position = position;
}

static void heap_rise(size_t position, struct entry entry)
{
    for (; position > 0 && entry.deadline_ns < heap[(position - 1) / 4].deadline_ns; position = (position - 1) / 4)
        heap_put(position, heap[(position - 1) / 4]);
    heap_put(position, entry);
}

static void heap_remove(size_t position)
{
    struct entry entry = heap[--n_entries];
    if (position == n_entries)
        return;
    for (size_t child = 4 * position + 1; child < n_entries; child = 4 * position + 1) {
        size_t end = child + 4 < n_entries ? child + 4 : n_entries, least = child;
        while (++child < end)
            least = heap[child].deadline_ns < heap[least].deadline_ns ? child : least;
        if (heap[least].deadline_ns >= entry.deadline_ns)
            break;
        heap_put(position, heap[least]);
        position = least;
    }
    heap_rise(position, entry);
}

static void heap_add(struct timer *timer)
{
    if ((n_entries & (n_entries - 1)) == 0)
        heap = realloc(heap, (n_entries > 0 ? 2 * n_entries : 64) * sizeof *heap);
    n_entries++;
    heap_rise(n_entries - 1, (struct entry){timer->deadline_ns, timer});
}

static void arm(int timer_fd, uint64_t deadline_ns)
{
    struct itimerspec spec = {.it_value = {(time_t)(deadline_ns / 1000000000u), (long)(deadline_ns % 1000000000u)}};
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
        bench_die("timerfd_settime");
}

static void sleep_with_slack(uint64_t slack_ns)
{
    int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), epoll_fd = epoll_with(timer_fd);
    struct bench_sleeps sleeps = bench_sleeps_begin(n_given);
    for (unsigned long i = 0; i < n_given; i++) {
        struct timer *timer = malloc(sizeof *timer);
        if (timer == NULL)
            bench_die("malloc");
        timer->deadline_ns = bench_sleeps_deadline_ns(&sleeps);
        heap_add(timer);
    }
    bench_sleeps_stand(&sleeps);
    while (n_entries > 0) {
        struct epoll_event event;
        uint64_t n_expirations;
        arm(timer_fd, heap[0].deadline_ns + slack_ns);
        if (epoll_wait(epoll_fd, &event, 1, -1) != 1 || read(timer_fd, &n_expirations, sizeof n_expirations) < 0)
            bench_die("timerfd");
        for (uint64_t now_ns = bench_now_ns(); n_entries > 0 && heap[0].deadline_ns <= now_ns;) {
            struct timer *timer = heap[0].timer;
            heap_remove(0);
            bench_sleeps_woken(&sleeps, timer->deadline_ns);
            free(timer);
        }
    }
    bench_sleeps_end(&sleeps);
}

static void bench_sleep(void)
{
    sleep_with_slack(0);
}

static void bench_sleep_slack(void)
{
    sleep_with_slack(1000000);
}

static void bench_churn(void)
{
    struct timer *others = calloc(n_given, sizeof *others);
    for (unsigned long i = 0; i < n_given; i++) {
        others[i].deadline_ns = bench_now_ns() + 60000000000u + i;
        heap_add(&others[i]);
    }
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_CHURNS; i++) {
        struct timer timer = {.deadline_ns = bench_now_ns() + 1000000000u};
        heap_add(&timer);
        heap_remove(timer.position);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_CHURNS);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

static ssize_t receive(int epoll_fd, int fd, char *buf, struct sockaddr_in *from)
{
    struct epoll_event event;
    socklen_t length = sizeof *from;
    if (epoll_wait(epoll_fd, &event, 1, -1) != 1)
        bench_die("epoll_wait");
    ssize_t n = recvfrom(fd, buf, BENCH_PAYLOAD, 0, (struct sockaddr *)from, &length);
    if (n < 0)
        bench_die("recvfrom");
    return n;
}

static void send_datagram(int fd, const char *buf, size_t size, const struct sockaddr_in *to)
{
    if (sendto(fd, buf, size, 0, (const struct sockaddr *)to, sizeof *to) < 0)
        bench_die("sendto");
}

static void bench_ping(void)
{
    struct sockaddr_in address, other, from;
    int fd = bench_socket(&address), other_fd = bench_socket(&other), epoll_fd = epoll_with(fd);
    struct epoll_event event = {.events = EPOLLIN};
    char buf[BENCH_PAYLOAD] = "";
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, other_fd, &event) < 0)
        bench_die("epoll_ctl");
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_PINGS; i++) {
        send_datagram(fd, buf, sizeof buf, &other);
        ssize_t n = receive(epoll_fd, other_fd, buf, &from);
        send_datagram(other_fd, buf, (size_t)n, &from);
        receive(epoll_fd, fd, buf, &from);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_PINGS);
}

static void bench_ping_process(void)
{
    struct sockaddr_in address, server = bench_echo_server(), from;
    int fd = bench_socket(&address), epoll_fd = epoll_with(fd);
    char buf[BENCH_PAYLOAD] = "";
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_PINGS; i++) {
        send_datagram(fd, buf, sizeof buf, &server);
        receive(epoll_fd, fd, buf, &from);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_PINGS);
}

/* N sockets that bench_flood sends to, in one epoll. */
static int flooded_sockets(void)
{
    struct sockaddr_in *addresses = calloc(n_given, sizeof *addresses);
    int *fds = calloc(n_given, sizeof *fds), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned long i = 0; i < n_given; i++) {
        fds[i] = bench_socket(&addresses[i]);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
            bench_die("epoll_ctl");
    }
    bench_flood(addresses, n_given);
    return epoll_fd;
}

/* Echoes what is there; false when nothing is. */
static bool echo_one(int fd)
{
    char buf[BENCH_PAYLOAD];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &length);
    if (n >= 0)
        send_datagram(fd, buf, (size_t)n, &from);
    return n >= 0;
}

static void bench_flood_single(void)
{
    struct bench_count count = {0};
    struct epoll_event events[128];
    int epoll_fd = flooded_sockets();
    for (;;) {
        int n = epoll_wait(epoll_fd, events, 128, -1);
        for (int i = 0; i < n; i++)
            for (int in_turn = 0; in_turn < 32 && echo_one(events[i].data.fd); in_turn++)
                if (bench_counted(&count, 1, BENCH_ECHOES))
                    return;
    }
}

/* --- several datagrams at once ------------------------------------------------------------------------------------ */

#define BATCH 64

/* N loops that share a port, each with a thread. */
static void *echo_alone(void *data)
{
    _Atomic uint64_t *n_echoes = (_Atomic uint64_t *)data;
    int fd = (int)atomic_exchange(n_echoes, 0), epoll_fd = epoll_with(fd);
    struct epoll_event event;
    for (;;) {
        if (epoll_wait(epoll_fd, &event, 1, -1) == 1)
            for (int in_turn = 0; in_turn < 32 && echo_one(fd); in_turn++)
                atomic_fetch_add_explicit(n_echoes, 1, memory_order_relaxed);
    }
    return NULL;
}

static uint64_t echoes_of_all(_Atomic uint64_t (*counts)[8])
{
    uint64_t n_echoes = 0;
    for (unsigned long i = 0; i < n_given; i++)
        n_echoes += atomic_load_explicit(&counts[i][0], memory_order_relaxed);
    return n_echoes;
}

static void bench_flood_cores(void)
{
    _Atomic uint64_t(*counts)[8] = calloc(n_given, sizeof *counts); /* a cache line each */
    struct sockaddr_in address;
    const int on = 1;
    pthread_t thread;
    close(bench_socket(&address));
    for (int i = 0; i < 8; i++)
        bench_flood(&address, 1);
    for (unsigned long i = 0; i < n_given; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
            bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
            bench_die("a socket");
        atomic_init(&counts[i][0], (uint64_t)fd);
        if (pthread_create(&thread, NULL, echo_alone, &counts[i][0]) != 0)
            bench_die("pthread_create");
    }
    usleep(300000);
    uint64_t n_before = echoes_of_all(counts), start_ns = bench_now_ns(), start_cpu_ns = bench_cpu_ns();
    usleep(1500000);
    double n_echoes = (double)(echoes_of_all(counts) - n_before);
    bench_print("per_second", n_echoes * 1e9 / (double)(bench_now_ns() - start_ns));
    bench_print("cpu_ns", (double)(bench_cpu_ns() - start_cpu_ns) / n_echoes);
    exit(EXIT_SUCCESS);
}

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in addresses[BATCH];
    char bytes[BATCH][BENCH_PAYLOAD];
};

static struct batch *batch_new(void)
{
    struct batch *batch = calloc(1, sizeof *batch);
    for (size_t i = 0; i < BATCH; i++) {
        batch->vectors[i] = (struct iovec){batch->bytes[i], BENCH_PAYLOAD};
        batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->addresses[i],
                                                     .msg_namelen = sizeof batch->addresses[i],
                                                     .msg_iov = &batch->vectors[i],
                                                     .msg_iovlen = 1};
    }
    return batch;
}

static void bench_flood_batch(void)
{
    struct bench_count count = {0};
    struct epoll_event events[128];
    struct batch *batch = batch_new();
    int epoll_fd = flooded_sockets();
    for (;;) {
        int n_events = epoll_wait(epoll_fd, events, 128, -1);
        for (int i = 0; i < n_events; i++) {
            int n = recvmmsg(events[i].data.fd, batch->messages, BATCH, 0, NULL);
            for (int j = 0; j < n; j++)
                batch->vectors[j].iov_len = batch->messages[j].msg_len;
            for (int sent = 0; sent < n;)
                sent += sendmmsg(events[i].data.fd, batch->messages + sent, (unsigned)(n - sent), 0);
            for (int j = 0; j < n; j++)
                batch->vectors[j].iov_len = BENCH_PAYLOAD;
            if (n > 0 && bench_counted(&count, (uint64_t)n, BENCH_ECHOES))
                return;
        }
    }
}

/* Segmentation in the kernel, udp(7): a send of 50 datagrams in one piece, and receives that get them in one. */
static void bench_bulk(void)
{
    enum { SEGMENTS = 50, PIECE = SEGMENTS * BENCH_BULK_BYTES };
    static char outgoing[PIECE], incoming[65536];
    struct bench_count count = {0};
    struct sockaddr_in address, other;
    int from = bench_socket(&address), to = bench_socket(&other), epoll_fd = epoll_with(to);
    int on = 1, segment = BENCH_BULK_BYTES;
    if (setsockopt(from, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) < 0 ||
        setsockopt(to, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0)
        bench_die("segmentation");
    for (;;) {
        struct epoll_event event;
        if (sendto(from, outgoing, PIECE, 0, (struct sockaddr *)&other, sizeof other) < 0)
            bench_die("sendto");
        if (epoll_wait(epoll_fd, &event, 1, -1) != 1)
            bench_die("epoll_wait");
        ssize_t n = recv(to, incoming, sizeof incoming, 0);
        if (n > 0 && bench_counted(&count, (uint64_t)n / BENCH_BULK_BYTES, BENCH_BULK))
            return;
    }
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

struct idler {
    int fd;
    void (*received)(struct idler *idler);
    struct sockaddr_in from;
};

static void bench_idle(void)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint64_t before = bench_resident_bytes();
    for (unsigned long i = 0; i < n_given; i++) {
        struct idler *idler = calloc(1, sizeof *idler);
        idler->fd = bench_socket(&idler->from);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = idler};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, idler->fd, &event) < 0)
            bench_die("epoll_ctl");
    }
    bench_print("bytes", (double)(bench_resident_bytes() - before) / (double)n_given);
}

static void bench_call(void)
{
    uint64_t start_ns = bench_now_ns(), last_ns = 0;
    for (uint64_t i = 0; i < BENCH_CALLS; i++)
        last_ns |= bench_now_ns();
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_CALLS * (double)(last_ns > 0));
}

static void bench_start(void)
{
}

/* raw time COUNT PROGRAM ARGUMENT...: runs it so many times, and prints the median from start to end. */
static int time_program(unsigned count, char **command)
{
    uint64_t *took_ns = calloc(count, sizeof *took_ns);
    for (unsigned i = 0; i < count; i++) {
        int status = 0;
        uint64_t start_ns = bench_now_ns();
        pid_t child = vfork();
        if (child == 0) {
            execv(command[0], command);
            _exit(BENCH_ABSENT);
        }
        waitpid(child, &status, 0);
        took_ns[i] = bench_now_ns() - start_ns;
        if (status != 0)
            return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
    }
    qsort(took_ns, count, sizeof *took_ns, bench_compare);
    bench_print("us", (double)took_ns[count / 2] / 1e3);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } workloads[] = {
        {"yield", bench_yield},
        {"spawn", bench_spawn},
        {"wake", bench_wake},
        {"sleep", bench_sleep},
        {"sleep_slack", bench_sleep_slack},
        {"churn", bench_churn},
        {"ping", bench_ping},
        {"ping_process", bench_ping_process},
        {"flood", bench_flood_single},
        {"flood_batch", bench_flood_batch},
        {"flood_cores", bench_flood_cores},
        {"bulk", bench_bulk},
        {"idle", bench_idle},
        {"start", bench_start},
        {"call", bench_call},
    };
    n_given = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    if (argc > 3 && strcmp(argv[1], "time") == 0)
        return time_program((unsigned)n_given, argv + 3);
    bench_raise_fd_limit();
    for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(argv[1], workloads[i].name) == 0) {
            workloads[i].run();
            return EXIT_SUCCESS;
        }
    }
    return BENCH_ABSENT;
}
