/* SPDX-License-Identifier: MIT
 *
 * libuv. It has callbacks on handles, but no tasks and no queue of deferred callbacks. Timers count whole milliseconds,
 * so deadlines are rounded up, not to be early. */
#include "bench.h"

#include <pthread.h>
#include <uv.h>

static uv_loop_t loop;
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
    if (uv_loop_init(&loop) < 0)
        bench_die("uv_loop_init");
}

static void run_loop(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void check(const char *what, int r)
{
    if (r < 0) {
        errno = -r;
        bench_die(what);
    }
}

/* --- wake --------------------------------------------------------------------------------------------------------- */

static sem_t answered;
static uint64_t n_answered;

static void rung(uv_async_t *bell)
{
    if (++n_answered == BENCH_WAKES)
        uv_close((uv_handle_t *)bell, NULL);
    sem_post(&answered);
}

static void *loop_thread(void *nothing)
{
    run_loop();
    return nothing;
}

static void bench_wake(void)
{
    uv_async_t bell;
    pthread_t thread;
    sem_init(&answered, 0, 0);
    check("uv_async_init", uv_async_init(&loop, &bell, rung));
    if (pthread_create(&thread, NULL, loop_thread, NULL) != 0)
        bench_die("pthread_create");
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        uv_async_send(&bell);
        sem_wait(&answered);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_WAKES);
    pthread_join(thread, NULL);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static struct bench_sleeps sleeps;

struct sleeper {
    uv_timer_t timer;
    uint64_t deadline_ns;
};

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void slept(uv_timer_t *timer)
{
    bench_sleeps_woken(&sleeps, ((struct sleeper *)timer)->deadline_ns);
    uv_close((uv_handle_t *)timer, free_handle);
}

static void bench_sleep(void)
{
    sleeps = bench_sleeps_begin(n_given);
    uv_update_time(&loop);
    uint64_t loop_ms = uv_now(&loop);
    for (unsigned long i = 0; i < n_given; i++) {
        struct sleeper *sleeper = allocate(1, sizeof *sleeper);
        sleeper->deadline_ns = bench_sleeps_deadline_ns(&sleeps);
        uv_timer_init(&loop, &sleeper->timer);
        uv_timer_start(&sleeper->timer, slept, (sleeper->deadline_ns + 999999) / 1000000 - loop_ms, 0);
    }
    bench_sleeps_stand(&sleeps);
    run_loop();
    bench_sleeps_end(&sleeps);
}

static void never(uv_timer_t *timer)
{
    (void)timer;
    bench_die("a timer that was cancelled");
}

/* The handle is initialised once, as a program would that has a timeout for one connection. */
static void bench_churn(void)
{
    uv_timer_t *others = allocate(n_given, sizeof *others), timer;
    for (unsigned long i = 0; i < n_given; i++) {
        uv_timer_init(&loop, &others[i]);
        uv_timer_start(&others[i], never, 60000 + i, 0);
    }
    uv_timer_init(&loop, &timer);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_CHURNS; i++) {
        uv_timer_start(&timer, never, 1000, 0);
        uv_timer_stop(&timer);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_CHURNS);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

struct endpoint {
    uv_udp_t udp;
    struct sockaddr_in to;
    uint64_t n, start_ns;
};

/* One buffer does for all: what was received is dealt with before the callback returns. */
static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char bytes[BENCH_PAYLOAD];
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

static void open_udp(uv_udp_t *udp, int fd, unsigned flags, uv_alloc_cb give, uv_udp_recv_cb received)
{
    check("uv_udp_init", uv_udp_init_ex(&loop, udp, flags));
    check("uv_udp_open", uv_udp_open(udp, fd));
    if (received != NULL)
        check("uv_udp_recv_start", uv_udp_recv_start(udp, give, received));
}

static int send_now(uv_udp_t *udp, const char *bytes, size_t size, const struct sockaddr *to)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)size);
    return uv_udp_try_send(udp, &buf, 1, to);
}

static void echo(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    if (from != NULL && n >= 0)
        check("uv_udp_try_send", send_now(udp, buf->base, (size_t)n, from));
}

static void ping_send(struct endpoint *endpoint)
{
    static const char bytes[BENCH_PAYLOAD];
    check("uv_udp_try_send", send_now(&endpoint->udp, bytes, sizeof bytes, (struct sockaddr *)&endpoint->to));
}

static void ping_received(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    struct endpoint *endpoint = (struct endpoint *)udp;
    (void)n;
    (void)buf;
    (void)flags;
    if (from == NULL)
        return;
    if (++endpoint->n < BENCH_PINGS) {
        ping_send(endpoint);
        return;
    }
    bench_print("ns", (double)(bench_now_ns() - endpoint->start_ns) / BENCH_PINGS);
    uv_stop(&loop);
}

static void ping_address(struct sockaddr_in to)
{
    static struct endpoint endpoint;
    struct sockaddr_in own;
    endpoint.to = to;
    open_udp(&endpoint.udp, bench_socket(&own), 0, give_buffer, ping_received);
    endpoint.start_ns = bench_now_ns();
    ping_send(&endpoint);
    run_loop();
}

static void bench_ping(void)
{
    static uv_udp_t server;
    struct sockaddr_in address;
    open_udp(&server, bench_socket(&address), 0, give_buffer, echo);
    ping_address(address);
}

static void bench_ping_process(void)
{
    struct sockaddr_in address = bench_echo_server();
    open_loop();
    ping_address(address);
}

static struct bench_count count;

static void flood_received(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    echo(udp, n, buf, from, flags);
    if (from != NULL && n >= 0 && bench_counted(&count, 1, BENCH_ECHOES))
        exit(EXIT_SUCCESS);
}

static void flood(unsigned flags, uv_alloc_cb give)
{
    struct sockaddr_in *addresses = allocate(n_given, sizeof *addresses);
    uv_udp_t *sockets = allocate(n_given, sizeof *sockets);
    int *fds = allocate(n_given, sizeof *fds);
    for (unsigned long i = 0; i < n_given; i++)
        fds[i] = bench_socket(&addresses[i]);
    bench_flood(addresses, n_given);
    open_loop();
    for (unsigned long i = 0; i < n_given; i++)
        open_udp(&sockets[i], fds[i], flags, give, flood_received);
    run_loop();
}

static void bench_flood_single(void)
{
    flood(0, give_buffer);
}

/* recvmmsg, into one buffer of which each datagram gets 64 KiB, and no more than 20 at once. */
#define LARGE_DATAGRAMS 20

static void give_large_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char large[LARGE_DATAGRAMS * 65536];
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(large, sizeof large);
}

/* There is no batch of sends. */
static void bench_flood_batch(void)
{
    flood(UV_UDP_RECVMMSG, give_large_buffer);
}

static void bulk_received(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    (void)udp;
    (void)buf;
    (void)flags;
    if (from != NULL && n >= 0 && bench_counted(&count, 1, BENCH_BULK))
        exit(EXIT_SUCCESS);
}

/* As many as are received in one iteration, which is two batches: what is more would be dropped. */
static void bulk_send(uv_prepare_t *prepare)
{
    static const char bytes[BENCH_BULK_BYTES];
    struct endpoint *sender = prepare->data;
    for (int i = 0; i < 2 * LARGE_DATAGRAMS; i++)
        check("uv_udp_try_send", send_now(&sender->udp, bytes, sizeof bytes, (struct sockaddr *)&sender->to));
}

static void bench_bulk(void)
{
    static struct endpoint sender;
    static uv_udp_t receiver;
    struct sockaddr_in own;
    uv_prepare_t prepare;
    open_udp(&receiver, bench_socket(&sender.to), UV_UDP_RECVMMSG, give_large_buffer, bulk_received);
    open_udp(&sender.udp, bench_socket(&own), 0, NULL, NULL);
    uv_prepare_init(&loop, &prepare);
    prepare.data = &sender;
    uv_prepare_start(&prepare, bulk_send);
    run_loop();
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void bench_idle(void)
{
    uint64_t before = bench_resident_bytes();
    for (unsigned long i = 0; i < n_given; i++) {
        struct sockaddr_in address;
        open_udp(allocate(1, sizeof(uv_udp_t)), bench_socket(&address), 0, give_buffer, echo);
    }
    uv_run(&loop, UV_RUN_NOWAIT);
    bench_print("bytes", (double)(bench_resident_bytes() - before) / (double)n_given);
}

static void stop(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static void bench_start(void)
{
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, stop, 0, 0);
    run_loop();
    uv_loop_close(&loop);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
        int opens; /* the loop by itself, after it has forked */
    } workloads[] = {
        {"wake", bench_wake, 0},          {"sleep", bench_sleep, 0},
        {"sleep_slack", bench_sleep, 0},  {"churn", bench_churn, 0},
        {"ping", bench_ping, 0},          {"ping_process", bench_ping_process, 1},
        {"flood", bench_flood_single, 1}, {"flood_batch", bench_flood_batch, 1},
        {"bulk", bench_bulk, 0},          {"idle", bench_idle, 0},
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
