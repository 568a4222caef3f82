/* SPDX-License-Identifier: MIT
 *
 * trale, through its public headers. $TRALE_CONFIG says which drivers and how many threads. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <trale/fiber.h>
#include <trale/timer.h>
#include <trale/udp.h>

static struct trale *runtime;
static unsigned long n_given;

static struct trale *open_runtime(void)
{
    struct trale *opened;
    int r = trale_open(&opened, NULL);
    if (r < 0)
        exit(trale_perror("trale_open", r));
    return opened;
}

static void check(const char *what, int64_t r)
{
    if (r < 0)
        exit(trale_perror(what, r));
}

static void join_all(struct trale_task **tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check("a task", trale_join(tasks[i]));
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct yielder {
    struct trale_future future;
    uint64_t n;
};

trale_async(yielder)
{
    trale_begin();
    while (self->n-- > 0)
        trale_yield();
    trale_return(0);
}

static int64_t fiber_yields(void *n)
{
    for (uint64_t i = *(uint64_t *)n; i > 0; i--)
        trale_fiber_yield();
    return 0;
}

struct yield_bench {
    struct trale_future future;
    bool fibers;
    uint64_t n;
    struct trale_task **tasks;
    struct trale_join_future joined;
    uint64_t start_ns;
    unsigned long i;
};

trale_async(yield_bench)
{
    trale_begin();
    self->start_ns = bench_now_ns();
    self->n = BENCH_YIELDS / n_given;
    for (unsigned long i = 0; i < n_given; i++)
        self->tasks[i] = self->fibers ? trale_fiber_spawn(cx->runtime, fiber_yields, &self->n)
                                      : trale_spawn(cx->runtime, yielder, .n = self->n);
    for (self->i = 0; self->i < n_given; self->i++)
        trale_await(trale_join_future(&self->joined, self->tasks[self->i]));
    bench_print("ns", (double)(bench_now_ns() - self->start_ns) / (double)(self->n * n_given));
    trale_return(0);
}

static void yield_with(bool fibers)
{
    struct yield_bench bench = {
        .future.type = &yield_bench_type, .fibers = fibers, .tasks = calloc(n_given, sizeof *bench.tasks)};
    check("yield", trale_block_on(runtime, &bench.future));
    free(bench.tasks);
}

static void bench_yield(void)
{
    yield_with(false);
}

static void bench_yield_fiber(void)
{
    yield_with(true);
}

/* A fiber that only ends, spawned and joined: what a stack costs. */
static int64_t fiber_ends(void *data)
{
    (void)data;
    return 0;
}

struct spawn_fiber_bench {
    struct trale_future future;
    struct trale_join_future joined;
    uint64_t start_ns;
    unsigned long i;
};

trale_async(spawn_fiber_bench)
{
    trale_begin();
    self->start_ns = bench_now_ns();
    for (self->i = 0; self->i < BENCH_SPAWNS; self->i++)
        trale_await(trale_join_future(&self->joined, trale_fiber_spawn(cx->runtime, fiber_ends, NULL)));
    bench_print("ns", (double)(bench_now_ns() - self->start_ns) / BENCH_SPAWNS);
    trale_return(0);
}

static void bench_spawn_fiber(void)
{
    struct spawn_fiber_bench bench = {.future.type = &spawn_fiber_bench_type};
    check("spawn_fiber", trale_block_on(runtime, &bench.future));
}

struct nothing {
    struct trale_future future;
};

trale_async(nothing)
{
    (void)self;
    trale_begin();
    trale_return(0);
}

struct spawn_bench {
    struct trale_future future;
    struct trale_task **tasks;
    struct trale_join_future joined;
    uint64_t start_ns;
    unsigned long n_done, i;
};

trale_async(spawn_bench)
{
    trale_begin();
    self->start_ns = bench_now_ns();
    for (self->n_done = 0; self->n_done < BENCH_SPAWNS; self->n_done += n_given) {
        for (unsigned long i = 0; i < n_given; i++)
            self->tasks[i] = trale_spawn(cx->runtime, nothing, .future.at = NULL);
        for (self->i = 0; self->i < n_given; self->i++)
            trale_await(trale_join_future(&self->joined, self->tasks[self->i]));
    }
    bench_print("ns", (double)(bench_now_ns() - self->start_ns) / (double)self->n_done);
    trale_return(0);
}

static void bench_spawn(void)
{
    struct spawn_bench bench = {.future.type = &spawn_bench_type, .tasks = calloc(n_given, sizeof *bench.tasks)};
    check("spawn", trale_block_on(runtime, &bench.future));
    free(bench.tasks);
}

static void bench_spawn_outside(void)
{
    struct trale_task **tasks = calloc(n_given, sizeof *tasks);
    uint64_t start_ns = bench_now_ns(), n_done = 0;
    for (; n_done < BENCH_SPAWNS; n_done += n_given) {
        for (unsigned long i = 0; i < n_given; i++)
            tasks[i] = trale_spawn(runtime, nothing, .future.at = NULL);
        join_all(tasks, n_given);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / (double)n_done);
    free(tasks);
}

/* --- wake: a future of our own, as a driver would write it -------------------------------------------------------- */

struct bell {
    struct trale_future future;
    const struct trale_waker *waker; /* the ringer's, once `answered` has been posted */
    _Atomic bool rung;
    sem_t answered;
};

static int64_t bell_poll(struct trale_future *future, struct trale_context *context)
{
    struct bell *bell = (struct bell *)(void *)future;
    if (bell->waker == NULL) {
        bell->waker = context->waker->table->clone(context->waker);
        sem_post(&bell->answered);
    }
    if (!atomic_exchange_explicit(&bell->rung, false, memory_order_acquire))
        return TRALE_PENDING;
    return 0;
}

static const struct trale_future_type bell_type = {sizeof bell_type, TRALE_ABI, "bell", bell_poll, NULL};

struct waked {
    struct trale_future future;
    struct bell *bell;
    uint64_t n;
};

trale_async(waked)
{
    trale_begin();
    for (self->n = 0; self->n < BENCH_WAKES; self->n++) {
        trale_await(&self->bell->future);
        sem_post(&self->bell->answered);
    }
    trale_return(0);
}

/* Beside the runtime: where the main thread polls, it cannot ring. */
static void *ring(void *data)
{
    struct bell *bell = data;
    sem_wait(&bell->answered);
    uint64_t start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_WAKES; i++) {
        atomic_store_explicit(&bell->rung, true, memory_order_release);
        bell->waker->table->wake_by_ref(bell->waker);
        sem_wait(&bell->answered);
    }
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_WAKES);
    return NULL;
}

static void bench_wake(void)
{
    struct bell bell = {.future.type = &bell_type};
    pthread_t ringer;
    sem_init(&bell.answered, 0, 0);
    if (pthread_create(&ringer, NULL, ring, &bell) != 0)
        bench_die("pthread_create");
    check("wake", trale_join(trale_spawn(runtime, waked, .bell = &bell)));
    pthread_join(ringer, NULL);
    bell.waker->table->drop(bell.waker);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
    struct bench_sleeps *sleeps;
    uint64_t deadline_ns;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(trale_sleep_until(&self->sleep, self->deadline_ns));
    bench_sleeps_woken(self->sleeps, self->deadline_ns);
    trale_return(0);
}

struct sleep_bench {
    struct trale_future future;
    struct bench_sleeps sleeps;
    struct trale_sleep sleep;
};

/* Makes all sleepers, gives each its first poll, looks at memory, and leaves the rest to trale_run. */
trale_async(sleep_bench)
{
    trale_begin();
    self->sleeps = bench_sleeps_begin(n_given);
    for (unsigned long i = 0; i < n_given; i++)
        trale_detach(trale_spawn(cx->runtime, sleeper, .sleeps = &self->sleeps,
                                 .deadline_ns = bench_sleeps_deadline_ns(&self->sleeps)));
    trale_yield();
    bench_sleeps_stand(&self->sleeps);
    trale_return(0);
}

static void bench_sleep(void)
{
    struct sleep_bench bench = {.future.type = &sleep_bench_type};
    check("sleep", trale_block_on(runtime, &bench.future));
    trale_run(runtime);
    bench_sleeps_end(&bench.sleeps);
}

struct churn {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t start_ns;
};

/* A sleep has begun when it was polled once. */
trale_async(churn)
{
    trale_begin();
    trale_yield(); /* the others go first and begin to sleep */
    self->start_ns = bench_now_ns();
    for (uint64_t i = 0; i < BENCH_CHURNS; i++) {
        struct trale_future *sleep = trale_sleep(&self->sleep, TRALE_SECOND);
        if (trale_future_poll(sleep, cx) != TRALE_PENDING)
            exit(EXIT_FAILURE);
        trale_future_drop(sleep);
    }
    bench_print("ns", (double)(bench_now_ns() - self->start_ns) / BENCH_CHURNS);
    trale_return(0);
}

static void bench_churn(void)
{
    struct bench_sleeps none = {0};
    for (unsigned long i = 0; i < n_given; i++)
        trale_detach(
            trale_spawn(runtime, sleeper, .sleeps = &none, .deadline_ns = trale_now(runtime) + 60 * TRALE_SECOND + i));
    check("churn", trale_join(trale_spawn(runtime, churn, .start_ns = 0)));
    exit(EXIT_SUCCESS);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

struct pinger {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_address to;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[BENCH_PAYLOAD];
    uint64_t n, start_ns;
};

trale_async(pinger)
{
    trale_begin();
    self->start_ns = bench_now_ns();
    for (self->n = 0; self->n < BENCH_PINGS; self->n++) {
        trale_await(trale_udp_send_to(&self->send, self->socket, self->buf, sizeof self->buf, &self->to));
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
    }
    bench_print("ns", (double)(bench_now_ns() - self->start_ns) / BENCH_PINGS);
    trale_return(trale_result());
}

struct echo {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct bench_count *count; /* NULL: for ever */
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[BENCH_PAYLOAD];
};

trale_async(echo)
{
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        if (trale_result() < 0)
            trale_return(trale_result());
        trale_await(trale_udp_send_to(&self->send, self->socket, self->buf, (size_t)trale_result(), &self->recv.from));
        if (self->count != NULL && bench_counted(self->count, 1, BENCH_ECHOES))
            exit(EXIT_SUCCESS);
    }
}

static struct trale_udp_socket *open_socket(struct trale_address *address)
{
    struct trale_udp_socket *socket;
    check("a socket", trale_udp_open(runtime, "127.0.0.1:0", 0, &socket));
    check("its address", trale_udp_local(socket, address));
    return socket;
}

static void bench_ping(void)
{
    struct trale_address address, other;
    struct trale_udp_socket *socket = open_socket(&address), *own = open_socket(&other);
    trale_detach(trale_spawn(runtime, echo, .socket = socket));
    check("ping", trale_join(trale_spawn(runtime, pinger, .socket = own, .to = address)));
}

static void bench_ping_process(void)
{
    struct trale_address address = {0}, own;
    address.v4 = bench_echo_server();
    runtime = open_runtime();
    check("ping", trale_join(trale_spawn(runtime, pinger, .socket = open_socket(&own), .to = address)));
}

/* Sockets are made by the process that forks; the runtime is opened after that, on addresses known before. */
static void flood(void (*spawn)(struct trale_udp_socket *socket, struct bench_count *count))
{
    struct bench_count count = {0};
    struct sockaddr_in *addresses = calloc(n_given, sizeof *addresses);
    int *fds = calloc(n_given, sizeof *fds);
    for (unsigned long i = 0; i < n_given; i++)
        fds[i] = bench_socket(&addresses[i]);
    for (unsigned long i = 0; i < n_given; i++)
        close(fds[i]);
    bench_flood(addresses, n_given);
    runtime = open_runtime();
    for (unsigned long i = 0; i < n_given; i++) {
        struct trale_address address = {.v4 = addresses[i]};
        struct trale_udp_socket *socket;
        check("a socket", trale_udp_open_at(runtime, &address, 0, &socket));
        spawn(socket, &count);
    }
    trale_run(runtime);
}

static void spawn_echo(struct trale_udp_socket *socket, struct bench_count *count)
{
    trale_detach(trale_spawn(runtime, echo, .socket = socket, .count = count));
}

static void bench_flood_single(void)
{
    flood(spawn_echo);
}

/* --- one runtime per core ----------------------------------------------------------------------------------------- */

struct counting_echo {
    struct trale_future future;
    struct trale_udp_socket *socket;
    _Atomic uint64_t *n_echoes;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[BENCH_PAYLOAD];
};

trale_async(counting_echo)
{
    trale_begin();
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        check("recv", trale_result());
        trale_await(trale_udp_send_to(&self->send, self->socket, self->buf, (size_t)trale_result(), &self->recv.from));
        atomic_fetch_add_explicit(self->n_echoes, 1, memory_order_relaxed);
    }
}

static uint64_t sum(const _Atomic uint64_t (*counts)[8], size_t n)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += atomic_load_explicit(&counts[i][0], memory_order_relaxed);
    return total;
}

/* Where the runtime has no thread of its own, this one polls it. */
static void *run_one(void *one)
{
    trale_run(one);
    return NULL;
}

/* As many runtimes as the configuration says share a port; several clients, or the kernel would have but one sender to
 * spread. */
static void bench_flood_cores(void)
{
    struct trale_address address = {0};
    struct trale_group *group;
    struct trale_udp_socket *socket;
    pthread_t thread;
    close(bench_socket(&address.v4));
    for (int i = 0; i < 8; i++)
        bench_flood(&address.v4, 1);
    check("trale_group_open", trale_group_open(&group, NULL));
    size_t n = trale_group_size(group);
    _Atomic uint64_t(*counts)[8] = calloc(n, sizeof *counts); /* a cache line each */
    for (size_t i = 0; i < n; i++) {
        struct trale *one = trale_group_runtime(group, i);
        check("a socket", trale_udp_open_at(one, &address, TRALE_UDP_REUSE_PORT, &socket));
        trale_detach(trale_spawn(one, counting_echo, .socket = socket, .n_echoes = &counts[i][0]));
        if (pthread_create(&thread, NULL, run_one, one) != 0)
            bench_die("pthread_create");
    }
    usleep(300000);
    uint64_t n_before = sum(counts, n), start_ns = bench_now_ns(), start_cpu_ns = bench_cpu_ns();
    usleep(1500000);
    double n_echoes = (double)(sum(counts, n) - n_before);
    bench_print("per_second", n_echoes * 1e9 / (double)(bench_now_ns() - start_ns));
    bench_print("cpu_ns", (double)(bench_cpu_ns() - start_cpu_ns) / n_echoes);
    exit(EXIT_SUCCESS);
}

/* --- many at once ------------------------------------------------------------------------------------------------- */

struct batch_echo {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct bench_count *count;
    struct trale_udp_batch batch;
    size_t n, n_sent;
    struct trale_datagram datagrams[TRALE_UDP_BATCH];
    char bytes[TRALE_UDP_BATCH][BENCH_PAYLOAD];
};

trale_async(batch_echo)
{
    trale_begin();
    for (size_t i = 0; i < TRALE_UDP_BATCH; i++)
        self->datagrams[i].buf = self->bytes[i];
    for (;;) {
        for (size_t i = 0; i < TRALE_UDP_BATCH; i++)
            self->datagrams[i].size = BENCH_PAYLOAD;
        trale_await(trale_udp_recv_batch(&self->batch, self->socket, self->datagrams, TRALE_UDP_BATCH));
        check("recv_batch", trale_result());
        self->n = (size_t)trale_result();
        for (size_t i = 0; i < self->n; i++)
            self->datagrams[i].size = self->datagrams[i].length;
        for (self->n_sent = 0; self->n_sent < self->n; self->n_sent += (size_t)trale_result()) {
            trale_await(trale_udp_send_batch(&self->batch, self->socket, self->datagrams + self->n_sent,
                                             self->n - self->n_sent));
            check("send_batch", trale_result());
        }
        if (bench_counted(self->count, self->n, BENCH_ECHOES))
            exit(EXIT_SUCCESS);
    }
}

static void spawn_batch_echo(struct trale_udp_socket *socket, struct bench_count *count)
{
    trale_detach(trale_spawn(runtime, batch_echo, .socket = socket, .count = count));
}

static void bench_flood_batch(void)
{
    flood(spawn_batch_echo);
}

#define BULK_SEGMENTS 50

/* Sends a piece, takes what has come of it. */
struct bulk {
    struct trale_future future;
    struct trale_udp_socket *from, *to;
    struct trale_udp_batch batch;
    struct trale_datagram outgoing, incoming[4];
    struct bench_count count;
};

trale_async(bulk)
{
    uint64_t n_segments = 0;
    trale_begin();
    for (;;) {
        trale_await(trale_udp_send_batch(&self->batch, self->from, &self->outgoing, 1));
        check("send_batch", trale_result());
        trale_await(trale_udp_recv_batch(&self->batch, self->to, self->incoming, 4));
        check("recv_batch", trale_result());
        n_segments = 0;
        for (int64_t i = 0; i < trale_result(); i++)
            n_segments += (self->incoming[i].length + BENCH_BULK_BYTES - 1) / BENCH_BULK_BYTES;
        if (bench_counted(&self->count, n_segments, BENCH_BULK))
            trale_return(0);
    }
}

static void bench_bulk(void)
{
    static char outgoing[BULK_SEGMENTS * BENCH_BULK_BYTES], incoming[4][65536];
    struct trale_address address, other;
    struct bulk bulk = {.future.type = &bulk_type, .to = open_socket(&address), .from = open_socket(&other)};
    bulk.outgoing = (struct trale_datagram){
        .buf = outgoing, .size = sizeof outgoing, .address = address, .segment_size = BENCH_BULK_BYTES};
    for (size_t i = 0; i < 4; i++)
        bulk.incoming[i] = (struct trale_datagram){.buf = incoming[i], .size = sizeof incoming[i]};
    check("GRO", trale_udp_set(bulk.to, TRALE_UDP_GRO, 1));
    check("bulk", trale_block_on(runtime, &bulk.future));
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

struct idle_bench {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(idle_bench)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, 100 * TRALE_MILLISECOND));
    trale_return(0);
}

/* The frame of a task that waits for nothing but a datagram. */
struct idler {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
};
static char idle_buf[BENCH_PAYLOAD];

trale_async(idler)
{
    trale_begin();
    trale_await(trale_udp_recv_from(&self->recv, self->socket, idle_buf, sizeof idle_buf));
    trale_return(0);
}

static void bench_idle(void)
{
    struct trale_address address;
    check("idle", trale_join(trale_spawn(runtime, idle_bench, .future.at = NULL)));
    uint64_t before = bench_resident_bytes();
    for (unsigned long i = 0; i < n_given; i++)
        trale_detach(trale_spawn(runtime, idler, .socket = open_socket(&address)));
    check("idle", trale_join(trale_spawn(runtime, idle_bench, .future.at = NULL)));
    bench_print("bytes", (double)(bench_resident_bytes() - before) / (double)n_given);
}

static void bench_call(void)
{
    const struct trale_timer *timer = trale_timer(runtime);
    uint64_t start_ns = bench_now_ns(), last_ns = 0;
    for (uint64_t i = 0; i < BENCH_CALLS; i++)
        last_ns |= timer->now(timer->interface.instance);
    bench_print("ns", (double)(bench_now_ns() - start_ns) / BENCH_CALLS * (double)(last_ns > 0));
}

static void bench_start(void)
{
    check("start", trale_join(trale_spawn(runtime, nothing, .future.at = NULL)));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
        bool opens; /* the runtime by itself, after it has forked */
    } workloads[] = {
        {"yield", bench_yield, false},
        {"yield_fiber", bench_yield_fiber, false},
        {"spawn", bench_spawn, false},
        {"spawn_fiber", bench_spawn_fiber, false},
        {"spawn_outside", bench_spawn_outside, false},
        {"wake", bench_wake, false},
        {"sleep", bench_sleep, false},
        {"sleep_slack", bench_sleep, false},
        {"churn", bench_churn, false},
        {"ping", bench_ping, false},
        {"ping_process", bench_ping_process, true},
        {"flood", bench_flood_single, true},
        {"flood_batch", bench_flood_batch, true},
        {"flood_cores", bench_flood_cores, true},
        {"bulk", bench_bulk, false},
        {"idle", bench_idle, false},
        {"start", bench_start, false},
        {"call", bench_call, false},
    };
    n_given = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    bench_raise_fd_limit();
    for (size_t i = 0; argc > 1 && i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(argv[1], workloads[i].name) != 0)
            continue;
        if (!workloads[i].opens)
            runtime = open_runtime();
        workloads[i].run();
        trale_close(runtime);
        return EXIT_SUCCESS;
    }
    return BENCH_ABSENT;
}
