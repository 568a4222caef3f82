/* SPDX-License-Identifier: MIT
 *
 * libevent. It has callbacks and no tasks: in place of a task, an event is allocated and made active by hand; it runs
 * and frees itself. */
#include "bench.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <pthread.h>

static struct event_base *base;
static unsigned long n_given;

static void *allocate(size_t n, size_t size)
{
    void *memory = malloc(n * size);
    if (memory == NULL)
        bench_die("malloc");
    return memory;
}

static void open_base_with(int flags, const char *without)
{
    struct event_config *config = event_config_new();
    if (config == NULL || event_config_set_flag(config, flags) < 0 ||
        (without != NULL && event_config_avoid_method(config, without) < 0))
        bench_die("event_config");
    base = event_base_new_with_config(config);
    if (base == NULL)
        bench_die("event_base_new");
    event_config_free(config);
}

/* Without locks, but where threads meet; without the precise timer, which costs a system call in each iteration, but
 * where there are sleeps. */
static void open_base(void)
{
    open_base_with(EVENT_BASE_FLAG_NOLOCK, NULL);
}

static void run_base(void)
{
    if (event_base_dispatch(base) < 0)
        bench_die("event_base_dispatch");
}

/* Runs the loop, with a callback that has been made active. */
static void run_base_with(event_callback_fn run)
{
    struct event event;
    event_assign(&event, base, -1, 0, run, NULL);
    event_active(&event, EV_TIMEOUT, 0);
    run_base();
}

/* --- callbacks ---------------------------------------------------------------------------------------------------- */

struct yielder {
    struct event event;
    uint64_t n;
};

static void yielded(evutil_socket_t fd, short events, void *data)
{
    struct yielder *yielder = data;
    (void)fd;
    if (yielder->n-- > 0)
        event_active(&yielder->event, events, 0);
}

static void bench_yield(void)
{
    struct yielder *yielders = allocate(n_given, sizeof *yielders);
    uint64_t start_ns = bench_now_ns();
    for (unsigned long i = 0; i < n_given; i++) {
        event_assign(&yielders[i].event, base, -1, 0, yielded, &yielders[i]);
        yielders[i].n = BENCH_YIELDS / n_given;
        event_active(&yielders[i].event, EV_TIMEOUT, 0);
    }
    run_base();
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)(BENCH_YIELDS / n_given * n_given));
}

static struct event spawner;
static unsigned long n_left, n_spawned;

static void make_active(event_callback_fn run)
{
    struct event *event = allocate(1, sizeof *event);
    event_assign(event, base, -1, 0, run, event);
    event_active(event, EV_TIMEOUT, 0);
}

static void spawned(evutil_socket_t fd, short events, void *data)
{
    (void)fd;
    free(data);
    if (--n_left == 0)
        event_active(&spawner, events, 0);
}

static void spawn(evutil_socket_t fd, short events, void *nothing)
{
    (void)fd;
    (void)events;
    (void)nothing;
    if (n_spawned >= BENCH_SPAWNS)
        return;
    n_left = n_given;
    n_spawned += n_given;
    for (unsigned long i = 0; i < n_given; i++)
        make_active(spawned);
}

static void bench_spawn(void)
{
    event_assign(&spawner, base, -1, 0, spawn, NULL);
    uint64_t start_ns = bench_now_ns();
    event_active(&spawner, EV_TIMEOUT, 0);
    run_base();
    if (n_left != 0 || n_spawned < BENCH_SPAWNS)
        bench_die("spawn");
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)n_spawned);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

static sem_t answered;
static pthread_t thread;

static void *base_thread(void *nothing)
{
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
    return nothing;
}

static void open_base_in_thread(void)
{
    sem_init(&answered, 0, 0);
    if (evthread_use_pthreads() < 0)
        bench_die("evthread_use_pthreads");
    open_base_with(0, NULL);
    if (pthread_create(&thread, NULL, base_thread, NULL) != 0)
        bench_die("pthread_create");
}

static void spawned_outside(evutil_socket_t fd, short events, void *data)
{
    (void)fd;
    (void)events;
    free(data);
    if (--n_left == 0)
        sem_post(&answered);
}

static void bench_spawn_outside(void)
{
    open_base_in_thread();
    uint64_t start_ns = bench_now_ns();
    for (; n_spawned < BENCH_SPAWNS; n_spawned += n_given) {
        n_left = n_given;
        for (unsigned long i = 0; i < n_given; i++)
            make_active(spawned_outside);
        sem_wait(&answered);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)n_spawned);
    event_base_loopbreak(base);
    pthread_join(thread, NULL);
}

static uint64_t n_answered;

static void rung(evutil_socket_t fd, short events, void *nothing)
{
    (void)fd;
    (void)events;
    (void)nothing;
    if (++n_answered == BENCH_WAKES)
        event_base_loopbreak(base);
    sem_post(&answered);
}

static void bench_wake(void)
{
    open_base_in_thread();
    struct event *bell = event_new(base, -1, EV_PERSIST, rung, NULL);
    if (bell == NULL)
        bench_die("event_new");
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        event_active(bell, EV_READ, 0);
        sem_wait(&answered);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_WAKES);
    pthread_join(thread, NULL);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static struct bench_sleeps sleeps;

struct sleeper {
    struct event event;
    uint64_t deadline_ns;
};

static void slept(evutil_socket_t fd, short events, void *data)
{
    struct sleeper *sleeper = data;
    (void)fd;
    (void)events;
    bench_sleeps_woken(&sleeps, sleeper->deadline_ns);
    free(sleeper);
}

/* Timeouts count from the time that the loop remembers, cut to microseconds: it is renewed after ours has been read,
 * and they are rounded up by one more, so that none is early. */
static void make_sleeps(evutil_socket_t fd, short events, void *nothing)
{
    (void)fd;
    (void)events;
    (void)nothing;
    sleeps = bench_sleeps_begin(n_given);
    uint64_t loop_ns = bench_now_ns();
    event_base_update_cache_time(base);
    for (unsigned long i = 0; i < n_given; i++) {
        struct sleeper *sleeper = allocate(1, sizeof *sleeper);
        sleeper->deadline_ns = bench_sleeps_deadline_ns(&sleeps);
        uint64_t after_us = (sleeper->deadline_ns - loop_ns + 1999) / 1000;
        struct timeval after = {(time_t)(after_us / 1000000), (suseconds_t)(after_us % 1000000)};
        evtimer_assign(&sleeper->event, base, slept, sleeper);
        evtimer_add(&sleeper->event, &after);
    }
    bench_sleeps_stand(&sleeps);
}

static void bench_sleep(void)
{
    open_base_with(EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER, NULL);
    run_base_with(make_sleeps);
    bench_sleeps_end(&sleeps);
}

/* The precise clock, but waits of whole milliseconds: the backend epoll is avoided, since with this flag it uses a
 * precise timer. The coarse clock does not move for up to four milliseconds, so half of the sleeps would be early. */
static void bench_sleep_slack(void)
{
    open_base_with(EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER, "epoll");
    run_base_with(make_sleeps);
    bench_sleeps_end(&sleeps);
}

static void never(evutil_socket_t fd, short events, void *nothing)
{
    (void)fd;
    (void)events;
    (void)nothing;
    bench_die("a timer that was cancelled");
}

/* In a callback, where the time is remembered. */
static void churn(evutil_socket_t fd, short events, void *nothing)
{
    (void)fd;
    (void)events;
    (void)nothing;
    struct event *others = allocate(n_given, sizeof *others);
    for (unsigned long i = 0; i < n_given; i++) {
        struct timeval minute = {60 + (time_t)(i / 1000000), (suseconds_t)(i % 1000000)};
        evtimer_assign(&others[i], base, never, NULL);
        evtimer_add(&others[i], &minute);
    }
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_CHURNS; i++) {
        struct timeval second = {1, 0};
        struct event event;
        evtimer_assign(&event, base, never, NULL);
        evtimer_add(&event, &second);
        evtimer_del(&event);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_CHURNS);
    event_base_loopbreak(base);
}

static void bench_churn(void)
{
    run_base_with(churn);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

struct ping {
    struct event event;
    int fd;
    struct sockaddr_in to;
    char buf[BENCH_PAYLOAD];
    uint64_t n, start_ns;
};

static void send_to(int fd, const char *buf, size_t size, const struct sockaddr_in *to)
{
    if (sendto(fd, buf, size, 0, (const struct sockaddr *)to, sizeof *to) < 0)
        bench_die("sendto");
}

static void ping_received(evutil_socket_t fd, short events, void *data)
{
    struct ping *ping = data;
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    (void)events;
    if (recvfrom(fd, ping->buf, sizeof ping->buf, 0, (struct sockaddr *)&from, &length) < 0)
        return;
    if (++ping->n < BENCH_PINGS) {
        send_to(fd, ping->buf, sizeof ping->buf, &ping->to);
        return;
    }
    bench_print("ns", (double)(bench_now_ns() - ping->start_ns) / BENCH_PINGS);
    event_base_loopbreak(base);
}

static void ping_address(struct sockaddr_in to)
{
    struct sockaddr_in own;
    struct ping ping = {.to = to, .fd = bench_socket(&own)};
    event_assign(&ping.event, base, ping.fd, EV_READ | EV_PERSIST, ping_received, &ping);
    event_add(&ping.event, NULL);
    ping.start_ns = bench_now_ns();
    send_to(ping.fd, ping.buf, sizeof ping.buf, &to);
    run_base();
}

/* Echoes one; false when there is none. */
static int echo_one(int fd)
{
    char buf[BENCH_PAYLOAD];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &length);
    if (n >= 0)
        send_to(fd, buf, (size_t)n, &from);
    return n >= 0;
}

static void echo_ready(evutil_socket_t fd, short events, void *nothing)
{
    (void)events;
    (void)nothing;
    echo_one(fd);
}

static void bench_ping(void)
{
    struct sockaddr_in address;
    struct event echo;
    event_assign(&echo, base, bench_socket(&address), EV_READ | EV_PERSIST, echo_ready, NULL);
    event_add(&echo, NULL);
    ping_address(address);
}

static void bench_ping_process(void)
{
    struct sockaddr_in address = bench_echo_server();
    open_base();
    ping_address(address);
}

static struct bench_count count;

/* One event may be for several datagrams. */
static void flood_ready(evutil_socket_t fd, short events, void *nothing)
{
    (void)events;
    (void)nothing;
    for (int i = 0; i < 32 && echo_one(fd); i++)
        if (bench_counted(&count, 1, BENCH_ECHOES))
            exit(EXIT_SUCCESS);
}

static void bench_flood_single(void)
{
    struct sockaddr_in *addresses = allocate(n_given, sizeof *addresses);
    struct event *sockets = allocate(n_given, sizeof *sockets);
    int *fds = allocate(n_given, sizeof *fds);
    for (unsigned long i = 0; i < n_given; i++)
        fds[i] = bench_socket(&addresses[i]);
    bench_flood(addresses, n_given);
    open_base();
    for (unsigned long i = 0; i < n_given; i++) {
        event_assign(&sockets[i], base, fds[i], EV_READ | EV_PERSIST, flood_ready, NULL);
        event_add(&sockets[i], NULL);
    }
    run_base();
}

static void bulk_ready(evutil_socket_t fd, short events, void *nothing)
{
    static char buf[BENCH_BULK_BYTES];
    (void)events;
    (void)nothing;
    for (int i = 0; i < 64 && recv(fd, buf, sizeof buf, 0) >= 0; i++)
        if (bench_counted(&count, 1, BENCH_BULK))
            exit(EXIT_SUCCESS);
}

struct bulk_sender {
    struct event event;
    int fd;
    struct sockaddr_in to;
};

/* Comes again in the next iteration, behind what has become readable meanwhile. (To wait for EV_WRITE costs more.) */
static void bulk_send(evutil_socket_t fd, short events, void *data)
{
    static char buf[BENCH_BULK_BYTES];
    struct bulk_sender *sender = data;
    const struct timeval now = {0, 0};
    (void)fd;
    (void)events;
    for (int i = 0; i < 64; i++)
        send_to(sender->fd, buf, sizeof buf, &sender->to);
    evtimer_add(&sender->event, &now);
}

static void bench_bulk(void)
{
    struct sockaddr_in own;
    struct bulk_sender sender = {.fd = bench_socket(&own)};
    struct event receiver;
    event_assign(&receiver, base, bench_socket(&sender.to), EV_READ | EV_PERSIST, bulk_ready, NULL);
    event_add(&receiver, NULL);
    evtimer_assign(&sender.event, base, bulk_send, &sender);
    bulk_send(-1, 0, &sender);
    run_base();
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void bench_idle(void)
{
    uint64_t before = bench_resident_bytes();
    for (unsigned long i = 0; i < n_given; i++) {
        struct sockaddr_in address;
        struct event *idler = allocate(1, sizeof *idler);
        event_assign(idler, base, bench_socket(&address), EV_READ | EV_PERSIST, echo_ready, NULL);
        event_add(idler, NULL);
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
    bench_print("bytes", (double)(bench_resident_bytes() - before) / (double)n_given);
}

static void bench_start(void)
{
    struct yielder once = {.n = 0};
    event_assign(&once.event, base, -1, 0, yielded, &once);
    event_active(&once.event, EV_TIMEOUT, 0);
    run_base();
    event_base_free(base);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
        int opens; /* the base by itself, after it has forked */
    } workloads[] = {
        {"yield", bench_yield, 0},        {"spawn", bench_spawn, 0}, {"spawn_outside", bench_spawn_outside, 1},
        {"wake", bench_wake, 1},          {"sleep", bench_sleep, 1}, {"sleep_slack", bench_sleep_slack, 1},
        {"churn", bench_churn, 0},        {"ping", bench_ping, 0},   {"ping_process", bench_ping_process, 1},
        {"flood", bench_flood_single, 1}, {"bulk", bench_bulk, 0},   {"idle", bench_idle, 0},
        {"start", bench_start, 0},
    };
    n_given = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    bench_raise_fd_limit();
    for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(argv[1], workloads[i].name) != 0)
            continue;
        if (!workloads[i].opens)
            open_base();
        workloads[i].run();
        return EXIT_SUCCESS;
    }
    return BENCH_ABSENT;
}
