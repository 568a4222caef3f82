/* SPDX-License-Identifier: MIT
 *
 * Datagrams through the whole runtime, in the thread layout that the environment names: what applications rely on when
 * drivers, reactor and executor work together. The driver's own tests are in test_udp.c. */
#include <dirent.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support.h"

static int open_runtime(void **state)
{
    *state = test_open("timer, udp", TEST_TIMER TEST_UDP);
    return 0;
}

static int close_runtime(void **state)
{
    return trale_close(*state);
}

/* Sockets belong to the executor thread: tasks open them. */
struct echo {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    _Atomic uint32_t *port;
    char buf[2048];
};

static void echo_cleanup(struct echo *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(echo, echo_cleanup)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->socket);
    struct trale_address local;
    if (r == 0)
        r = trale_udp_local(self->socket, &local);
    if (r < 0)
        trale_return(r);
    atomic_store(self->port, ntohs(local.v4.sin_port));
    for (;;) {
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        if (trale_result() < 0)
            trale_return(trale_result());
        trale_await(trale_udp_send_to(&self->send, self->socket, self->buf, (size_t)trale_result(), &self->recv.from));
        if (trale_result() < 0)
            trale_return(trale_result());
    }
}

struct client {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_timeout timeout;
    struct trale_sleep sleep;
    _Atomic uint32_t *port;
    struct trale_address peer;
    int n, n_wanted;
    char buf[64];
};

static void client_cleanup(struct client *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(client, client_cleanup)
{
    trale_begin();
    while (atomic_load(self->port) == 0)
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    snprintf(self->buf, sizeof self->buf, "127.0.0.1:%u", (unsigned)atomic_load(self->port));
    int r = trale_address_parse(self->buf, &self->peer);
    if (r == 0)
        r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->socket);
    if (r == 0)
        r = trale_udp_connect(self->socket, &self->peer);
    if (r < 0)
        trale_return(r);
    for (self->n = 0; self->n < self->n_wanted; self->n++) {
        trale_await(trale_udp_send(&self->send, self->socket, &self->n, sizeof self->n));
        if (trale_result() < 0)
            trale_return(trale_result());
        trale_await(trale_timeout(
            &self->timeout, trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf), 10 * TRALE_SECOND));
        if (trale_result() != sizeof self->n || memcmp(self->buf, &self->n, sizeof self->n) != 0)
            trale_return(trale_result() < 0 ? trale_result() : -EBADMSG);
    }
    trale_return(self->n);
}

static void test_many_clients_are_echoed(void **state)
{
    _Atomic uint32_t port = 0;
    struct trale_task *server = trale_spawn(*state, echo, .port = &port);
    struct trale_task *clients[20];
    for (int i = 0; i < 20; i++)
        clients[i] = trale_spawn(*state, client, .port = &port, .n_wanted = 50);
    for (int i = 0; i < 20; i++)
        assert_int_equal(trale_join(clients[i]), 50);
    trale_abort(server);
    assert_int_equal(trale_join(server), -ECANCELED);
}

struct closing {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv[2];
    struct trale_branches branches;
    struct trale_branch branch[3];
    struct trale_sleep sleep;
    struct trale_task *closer;
    char buf[2][16];
};

struct closer {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_sleep sleep;
};

trale_async(closer)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_udp_close(self->socket);
    trale_return(0);
}

trale_async(closing)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, "[::1]:0", 0, &self->socket);
    if (r < 0)
        trale_return(r);
    trale_detach(trale_spawn(cx->runtime, closer, .socket = self->socket));
    self->branch[0].future = trale_udp_recv_from(&self->recv[0], self->socket, self->buf[0], 16);
    self->branch[1].future = trale_udp_recv_from(&self->recv[1], self->socket, self->buf[1], 16);
    trale_await(trale_all(&self->branches, self->branch, 2));
    trale_return(self->branch[0].result == -ECANCELED && self->branch[1].result == -ECANCELED ? 1 : 0);
}

static void test_closing_a_socket_resolves_its_receives(void **state)
{
    struct closing frame;
    assert_int_equal(trale_block_on(*state, trale_call(closing, &frame)), 1);
    assert_int_equal(trale_run(*state), 0);
}

/* A socket that always has data: the task sends to itself twice what it takes. */
struct flood {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_address self_address;
    _Atomic bool *stop;
    char buf[16];
    uint64_t n;
};

static void flood_cleanup(struct flood *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(flood, flood_cleanup)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->socket);
    if (r == 0)
        r = trale_udp_local(self->socket, &self->self_address);
    if (r < 0)
        trale_return(r);
    for (self->n = 0; !atomic_load(self->stop); self->n++) {
        trale_await(trale_udp_send_to(&self->send, self->socket, "x", 1, &self->self_address));
        if (self->n == 0)
            trale_await(trale_udp_send_to(&self->send, self->socket, "x", 1, &self->self_address));
        trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        if (trale_result() < 0)
            trale_return(trale_result());
    }
    trale_return(1);
}

static void test_a_socket_that_always_has_data_does_not_starve_timers_or_tasks(void **state)
{
    _Atomic bool stop = false;
    _Atomic uint32_t port = 0;
    struct trale_task *hog = trale_spawn(*state, flood, .stop = &stop);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, 5 * TRALE_MILLISECOND)), 0);
    struct trale_task *server = trale_spawn(*state, echo, .port = &port);
    assert_int_equal(trale_join(trale_spawn(*state, client, .port = &port, .n_wanted = 5)), 5);
    atomic_store(&stop, true);
    assert_int_equal(trale_join(hog), 1);
    trale_abort(server);
    assert_int_equal(trale_join(server), -ECANCELED);
}

/* Counts the ticks of an interval, which a flood must not hold up. */
struct ticker {
    struct trale_future future;
    struct trale_interval interval;
    int n, n_wanted;
};

trale_async(ticker)
{
    trale_begin();
    trale_interval_start(&self->interval, trale_now(cx->runtime), 5 * TRALE_MILLISECOND);
    for (self->n = 0; self->n < self->n_wanted; self->n++) {
        trale_await(trale_tick(&self->interval));
        if (trale_result() < 0)
            trale_return(trale_result());
    }
    trale_return(self->n);
}

static void test_a_flood_does_not_starve_two_hundred_ticking_timers(void **state)
{
    _Atomic bool stop = false;
    struct trale_task *hog = trale_spawn(*state, flood, .stop = &stop), *tickers[200];
    for (int i = 0; i < 200; i++)
        tickers[i] = trale_spawn(*state, ticker, .n_wanted = 20);
    for (int i = 0; i < 200; i++)
        assert_int_equal(trale_join(tickers[i]), 20);
    atomic_store(&stop, true);
    assert_int_equal(trale_join(hog), 1);
}

/* Receives, and is cancelled again and again by a timeout, while datagrams come. */
struct impatient {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    struct trale_timeout timeout;
    struct trale_sleep sleep;
    struct trale_address local;
    uint32_t value, n_received, n_sent, n_wanted;
    int n_cancelled;
};

static void impatient_cleanup(struct impatient *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(impatient, impatient_cleanup)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->socket);
    if (r == 0)
        r = trale_udp_local(self->socket, &self->local);
    if (r < 0)
        trale_return(r);
    while (self->n_cancelled < 10000 || self->n_received < self->n_sent) {
        if (self->n_sent < self->n_wanted && self->n_cancelled / 8 >= (int)self->n_sent) {
            trale_await(trale_udp_send_to(&self->send, self->socket, &self->n_sent, sizeof self->n_sent, &self->local));
            if (trale_result() < 0)
                trale_return(trale_result());
            self->n_sent++;
        }
        trale_await(trale_timeout(&self->timeout,
                                  trale_udp_recv(&self->recv, self->socket, &self->value, sizeof self->value),
                                  (uint64_t)self->n_cancelled % 3 * TRALE_MICROSECOND));
        if (trale_result() == -ETIMEDOUT)
            self->n_cancelled++;
        else if (trale_result() == sizeof self->value && self->value == self->n_received)
            self->n_received++; /* each, and in order */
        else
            trale_return(trale_result() < 0 ? trale_result() : -EBADMSG);
    }
    trale_return(self->n_received);
}

static void test_a_receive_that_is_cancelled_ten_thousand_times_loses_no_datagram(void **state)
{
    struct impatient frame;
    assert_int_equal(trale_block_on(*state, trale_call(impatient, &frame, .n_wanted = 1000)), 1000);
}

struct refused {
    struct trale_future future;
    struct trale_udp_socket *socket, *deaf;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_address peer;
    char buf[8];
};

static void refused_cleanup(struct refused *self)
{
    trale_udp_close(self->deaf);
    trale_udp_close(self->socket);
}

trale_async_with(refused, refused_cleanup)
{
    trale_begin();
    /* A socket that is connected to itself is deaf: the kernel refuses what others send to it. */
    int r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->deaf);
    if (r == 0)
        r = trale_udp_local(self->deaf, &self->peer);
    if (r == 0)
        r = trale_udp_connect(self->deaf, &self->peer);
    if (r == 0)
        r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->socket);
    if (r == 0)
        r = trale_udp_connect(self->socket, &self->peer);
    if (r < 0)
        trale_return(r);
    trale_await(trale_udp_send(&self->send, self->socket, "a", 1));
    trale_await(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));
    if (trale_result() != -ECONNREFUSED)
        trale_return(trale_result());
    /* The socket goes on: the other one hears again, and its datagram arrives. */
    r = trale_udp_connect(self->deaf, &(struct trale_address){0});
    if (r == 0)
        r = trale_udp_local(self->socket, &self->peer);
    if (r < 0)
        trale_return(r);
    trale_await(trale_udp_send_to(&self->send, self->deaf, "back", 4, &self->peer));
    trale_await(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));
    trale_return(trale_result());
}

static void test_a_refused_datagram_is_told_and_the_socket_goes_on(void **state)
{
    struct refused frame;
    assert_int_equal(trale_block_on(*state, trale_call(refused, &frame)), 4);
}

/* One of very many sockets, each with a task that waits. */
struct waiting {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_address *address;
    _Atomic int *n_ready;
    char buf[4];
};

static void waiting_cleanup(struct waiting *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(waiting, waiting_cleanup)
{
    trale_begin();
    /* Of an address of their own: so many ports would have those that other tests take for unused. */
    int r = trale_udp_open(cx->runtime, "127.5.0.1:0", 0, &self->socket);
    if (r == 0)
        r = trale_udp_local(self->socket, self->address);
    (*self->n_ready)++;
    if (r < 0)
        trale_return(r);
    trale_await(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
    trale_return(trale_result());
}

struct poker {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_send send;
    struct trale_sleep sleep;
    struct trale_address *addresses;
    _Atomic int *n_ready;
    int n, i;
};

static void poker_cleanup(struct poker *self)
{
    trale_udp_close(self->socket);
}

trale_async_with(poker, poker_cleanup)
{
    trale_begin();
    int r = trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &self->socket);
    if (r < 0)
        trale_return(r);
    while (*self->n_ready < self->n)
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    for (self->i = 0; self->i < self->n; self->i++) {
        trale_await(trale_udp_send_to(&self->send, self->socket, "hey", 3, &self->addresses[self->i]));
        if (trale_result() < 0)
            trale_return(trale_result());
    }
    trale_return(self->n);
}

static void test_five_thousand_sockets_each_with_a_waiting_task(void **state)
{
    int n = getenv("TRALE_TEST_SMALL") != NULL ? 200 : 5000;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)n + 100) {
        struct rlimit raised = {limit.rlim_max, limit.rlim_max};
        if (limit.rlim_max < (rlim_t)n + 100 || setrlimit(RLIMIT_NOFILE, &raised) < 0)
            skip();
    }
    _Atomic int n_ready = 0;
    struct trale_task **tasks = calloc((size_t)n, sizeof *tasks);
    struct trale_address *addresses = calloc((size_t)n, sizeof *addresses);
    for (int i = 0; i < n; i++)
        tasks[i] = trale_spawn(*state, waiting, .address = &addresses[i], .n_ready = &n_ready);
    struct trale_task *all = trale_spawn(*state, poker, .addresses = addresses, .n_ready = &n_ready, .n = n);
    assert_int_equal(trale_join(all), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(trale_join(tasks[i]), 3);
    free(tasks);
    free(addresses);
}

static void test_closing_the_runtime_closes_its_sockets(void **state)
{
    (void)state;
    DIR *folder = opendir("/proc/self/fd");
    int before = 0, after = 0;
    while (readdir(folder) != NULL)
        before++;
    struct trale *runtime = test_open("udp", TEST_UDP);
    _Atomic uint32_t port = 0;
    for (int i = 0; i < 10; i++)
        trale_detach(trale_spawn(runtime, echo, .port = &port));
    assert_int_equal(trale_close(runtime), 0);
    rewinddir(folder);
    while (readdir(folder) != NULL)
        after++;
    closedir(folder);
    assert_int_equal(before, after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_clients_are_echoed),
        cmocka_unit_test(test_closing_a_socket_resolves_its_receives),
        cmocka_unit_test(test_a_socket_that_always_has_data_does_not_starve_timers_or_tasks),
        cmocka_unit_test(test_a_flood_does_not_starve_two_hundred_ticking_timers),
        cmocka_unit_test(test_a_receive_that_is_cancelled_ten_thousand_times_loses_no_datagram),
        cmocka_unit_test(test_a_refused_datagram_is_told_and_the_socket_goes_on),
        cmocka_unit_test(test_five_thousand_sockets_each_with_a_waiting_task),
        cmocka_unit_test(test_closing_the_runtime_closes_its_sockets),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
