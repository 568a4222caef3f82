/* SPDX-License-Identifier: MIT
 *
 * libev. It has callbacks and no tasks: in place of a task, a watcher is allocated and fed an event (ev_feed_event); it
 * runs and frees itself. */
#include "bench.h"

#include <ev.h>
#include <pthread.h>

static struct ev_loop *loop;
static unsigned long n_given;

static void *allocate(size_t n, size_t size)
{
    void *memory = malloc(n * size);
    if (memory == NULL)
        bench_die("malloc");
    return memory;
}

static void open_loop(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    if (loop == NULL)
        bench_die("ev_loop_new");
}

/* --- callbacks ---------------------------------------------------------------------------------------------------- */

struct yielder {
    union {
        ev_prepare alone; /* any kind can be fed */
        ev_idle one_of_many;
    } watcher;
    uint64_t n;
};

static void yielded(EV_P_ ev_prepare *watcher, int events)
{
    struct yielder *yielder = (struct yielder *)watcher;
    if (yielder->n-- > 0)
        ev_feed_event(EV_A_ watcher, events);
}

static void idled(EV_P_ ev_idle *watcher, int events)
{
    struct yielder *yielder = (struct yielder *)watcher;
    (void)events;
    if (yielder->n-- == 0)
        ev_idle_stop(EV_A_ watcher);
}

/* The watcher that was fed last runs first. A single watcher can feed itself; among many that would be no yield,
 * because no other would get a turn. So each of many is an idle watcher, which runs once in each iteration. */
static void bench_yield(void)
{
    struct yielder *yielders = allocate(n_given, sizeof *yielders);
    uint64_t start_ns = bench_now_ns();
    for (unsigned long i = 0; i < n_given; i++) {
        yielders[i].n = BENCH_YIELDS / n_given;
        if (n_given == 1) {
            ev_prepare_init(&yielders[i].watcher.alone, yielded);
            ev_feed_event(loop, &yielders[i].watcher.alone, 0);
        } else {
            ev_idle_init(&yielders[i].watcher.one_of_many, idled);
            ev_idle_start(loop, &yielders[i].watcher.one_of_many);
        }
    }
    ev_run(loop, 0);
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)(BENCH_YIELDS / n_given * n_given));
}

static ev_prepare spawner;
static unsigned long n_left, n_spawned;

static void spawned(EV_P_ ev_prepare *watcher, int events)
{
    free(watcher);
    if (--n_left == 0)
        ev_feed_event(EV_A_ & spawner, events);
}

static void spawn(EV_P_ ev_prepare *watcher, int events)
{
    (void)watcher;
    if (n_spawned >= BENCH_SPAWNS)
        return;
    n_left = n_given;
    n_spawned += n_given;
    for (unsigned long i = 0; i < n_given; i++) {
        ev_prepare *task = allocate(1, sizeof *task);
        ev_prepare_init(task, spawned);
        ev_feed_event(EV_A_ task, events);
    }
}

static void bench_spawn(void)
{
    ev_prepare_init(&spawner, spawn);
    uint64_t start_ns = bench_now_ns();
    ev_feed_event(loop, &spawner, 0);
    ev_run(loop, 0);
    if (n_left != 0 || n_spawned < BENCH_SPAWNS)
        bench_die("spawn");
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)n_spawned);
}

/* --- wake --------------------------------------------------------------------------------------------------------- */

static sem_t answered;
static ev_async bell;
static uint64_t n_answered;

static void rung(EV_P_ ev_async *watcher, int events)
{
    (void)watcher;
    (void)events;
    if (++n_answered == BENCH_WAKES)
        ev_break(EV_A_ EVBREAK_ALL);
    sem_post(&answered);
}

static void *run_loop(void *nothing)
{
    ev_run(loop, 0);
    return nothing;
}

static void bench_wake(void)
{
    pthread_t thread;
    sem_init(&answered, 0, 0);
    ev_async_init(&bell, rung);
    ev_async_start(loop, &bell);
    if (pthread_create(&thread, NULL, run_loop, NULL) != 0)
        bench_die("pthread_create");
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        ev_async_send(loop, &bell);
        sem_wait(&answered);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_WAKES);
    pthread_join(thread, NULL);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static struct bench_sleeps sleeps;

struct sleeper {
    ev_timer timer;
    uint64_t deadline_ns;
};

static void slept(EV_P_ ev_timer *timer, int events)
{
    struct sleeper *sleeper = (struct sleeper *)timer;
    (void)loop;
    (void)events;
    bench_sleeps_woken(&sleeps, sleeper->deadline_ns);
    free(sleeper);
}

/* Deadlines are relative to the loop's time, in floating point: it is asked for after our own, and a microsecond is
 * added, so that none is early. */
static void bench_sleep(void)
{
    sleeps = bench_sleeps_begin(n_given);
    uint64_t loop_ns = bench_now_ns();
    ev_now_update(loop);
    for (unsigned long i = 0; i < n_given; i++) {
        struct sleeper *sleeper = allocate(1, sizeof *sleeper);
        sleeper->deadline_ns = bench_sleeps_deadline_ns(&sleeps);
        ev_timer_init(&sleeper->timer, slept, (double)(sleeper->deadline_ns - loop_ns) / 1e9 + 1e-6, 0);
        ev_timer_start(loop, &sleeper->timer);
    }
    bench_sleeps_stand(&sleeps);
    ev_run(loop, 0);
    bench_sleeps_end(&sleeps);
}

static void bench_sleep_slack(void)
{
    ev_set_timeout_collect_interval(loop, 0.001);
    bench_sleep();
}

static void never(EV_P_ ev_timer *timer, int events)
{
    (void)loop;
    (void)timer;
    (void)events;
    bench_die("a timer that was cancelled");
}

/* A timer counts from the loop's time, which is that of the iteration: no clock is read for each. */
static void bench_churn(void)
{
    ev_timer *others = allocate(n_given, sizeof *others);
    for (unsigned long i = 0; i < n_given; i++) {
        ev_timer_init(&others[i], never, 60 + (double)i * 1e-9, 0);
        ev_timer_start(loop, &others[i]);
    }
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_CHURNS; i++) {
        ev_timer timer;
        ev_timer_init(&timer, never, 1, 0);
        ev_timer_start(loop, &timer);
        ev_timer_stop(loop, &timer);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_CHURNS);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

struct ping {
    ev_io io;
    struct sockaddr_in to;
    char buf[BENCH_PAYLOAD];
    uint64_t n, start_ns;
};

static void send_to(int fd, const char *buf, size_t size, const struct sockaddr_in *to)
{
    if (sendto(fd, buf, size, 0, (const struct sockaddr *)to, sizeof *to) < 0)
        bench_die("sendto");
}

static void ping_send(struct ping *ping)
{
    send_to(ping->io.fd, ping->buf, sizeof ping->buf, &ping->to);
}

static void ping_received(EV_P_ ev_io *io, int events)
{
    struct ping *ping = (struct ping *)io;
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    (void)events;
    if (recvfrom(io->fd, ping->buf, sizeof ping->buf, 0, (struct sockaddr *)&from, &length) < 0)
        return;
    if (++ping->n < BENCH_PINGS) {
        ping_send(ping);
        return;
    }
    bench_print("ns", (double)(bench_now_ns() - ping->start_ns) / BENCH_PINGS);
    ev_break(EV_A_ EVBREAK_ALL);
}

static void ping_address(struct sockaddr_in to)
{
    struct sockaddr_in own;
    struct ping ping = {.to = to};
    ev_io_init(&ping.io, ping_received, bench_socket(&own), EV_READ);
    ev_io_start(loop, &ping.io);
    ping.start_ns = bench_now_ns();
    ping_send(&ping);
    ev_run(loop, 0);
}

static struct bench_count count;

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

static void echo_ready(EV_P_ ev_io *io, int events)
{
    (void)loop;
    (void)events;
    echo_one(io->fd);
}

static void bench_ping(void)
{
    struct sockaddr_in address;
    ev_io echo;
    ev_io_init(&echo, echo_ready, bench_socket(&address), EV_READ);
    ev_io_start(loop, &echo);
    ping_address(address);
}

static void bench_ping_process(void)
{
    struct sockaddr_in address = bench_echo_server();
    open_loop();
    ping_address(address);
}

/* One event may be for several datagrams. */
static void flood_ready(EV_P_ ev_io *io, int events)
{
    (void)events;
    for (int i = 0; i < 32 && echo_one(io->fd); i++) {
        if (bench_counted(&count, 1, BENCH_ECHOES)) {
            ev_break(EV_A_ EVBREAK_ALL);
            return;
        }
    }
}

static void bench_flood_single(void)
{
    struct sockaddr_in *addresses = allocate(n_given, sizeof *addresses);
    ev_io *sockets = allocate(n_given, sizeof *sockets);
    for (unsigned long i = 0; i < n_given; i++)
        ev_io_init(&sockets[i], flood_ready, bench_socket(&addresses[i]), EV_READ);
    bench_flood(addresses, n_given);
    open_loop();
    for (unsigned long i = 0; i < n_given; i++)
        ev_io_start(loop, &sockets[i]);
    ev_run(loop, 0);
}

/* As much as the others' calls do in one turn: 64 datagrams, one by one. */
static void bulk_ready(EV_P_ ev_io *io, int events)
{
    static char buf[BENCH_BULK_BYTES];
    (void)events;
    for (int i = 0; i < 64 && recv(io->fd, buf, sizeof buf, 0) >= 0; i++) {
        if (bench_counted(&count, 1, BENCH_BULK)) {
            ev_break(EV_A_ EVBREAK_ALL);
            return;
        }
    }
}

struct bulk_sender {
    ev_prepare watcher;
    int fd;
    struct sockaddr_in to;
};

static void bulk_send(EV_P_ ev_prepare *watcher, int events)
{
    static char buf[BENCH_BULK_BYTES];
    const struct bulk_sender *sender = (struct bulk_sender *)watcher;
    (void)loop;
    (void)events;
    for (int i = 0; i < 64; i++)
        send_to(sender->fd, buf, sizeof buf, &sender->to);
}

static void bench_bulk(void)
{
    struct sockaddr_in own;
    struct bulk_sender sender;
    ev_io receiver;
    ev_io_init(&receiver, bulk_ready, bench_socket(&sender.to), EV_READ);
    sender.fd = bench_socket(&own);
    ev_prepare_init(&sender.watcher, bulk_send);
    ev_io_start(loop, &receiver);
    ev_prepare_start(loop, &sender.watcher);
    ev_run(loop, 0);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void bench_idle(void)
{
    uint64_t before = bench_resident_bytes();
    for (unsigned long i = 0; i < n_given; i++) {
        struct sockaddr_in address;
        ev_io *idler = allocate(1, sizeof *idler);
        ev_io_init(idler, echo_ready, bench_socket(&address), EV_READ);
        ev_io_start(loop, idler);
    }
    ev_run(loop, EVRUN_NOWAIT);
    bench_print("bytes", (double)(bench_resident_bytes() - before) / (double)n_given);
}

static void bench_start(void)
{
    struct yielder once = {.n = 0};
    ev_prepare_init(&once.watcher.alone, yielded);
    ev_feed_event(loop, &once.watcher.alone, 0);
    ev_run(loop, EVRUN_NOWAIT);
    ev_loop_destroy(loop);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
        int opens; /* the loop by itself, after it has forked */
    } workloads[] = {
        {"yield", bench_yield, 0},
        {"spawn", bench_spawn, 0},
        {"wake", bench_wake, 0},
        {"sleep", bench_sleep, 0},
        {"sleep_slack", bench_sleep_slack, 0},
        {"churn", bench_churn, 0},
        {"ping", bench_ping, 0},
        {"ping_process", bench_ping_process, 1},
        {"flood", bench_flood_single, 1},
        {"bulk", bench_bulk, 0},
        {"idle", bench_idle, 0},
        {"start", bench_start, 0},
    };
    n_given = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    bench_raise_fd_limit();
    for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(argv[1], workloads[i].name) != 0)
            continue;
        if (!workloads[i].opens)
            open_loop();
        workloads[i].run();
        return EXIT_SUCCESS;
    }
    return BENCH_ABSENT;
}
