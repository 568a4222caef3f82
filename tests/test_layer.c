/* SPDX-License-Identifier: MIT
 *
 * Layers: one that counts and logs all operations, in trale.ini or not; two on top of each other; one with state for
 * each operation. */
#include "tests/support.h"

#include <signal.h>
#include <sys/epoll.h>

#include <trale/blocking.h>
#include <trale/branches.h>
#include <trale/introspection.h>
#include <trale/signal.h>
#include <trale/stream.h>
#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/stranger/trace.h"

#define TRACE(name, over) "[driver:" name "]\npath = " TEST_FLAWED_DRIVERS "/trace.so\nover = " over "\n"
#define DELAY "[driver:delay]\npath = " TEST_FLAWED_DRIVERS "/delay.so\nover = udp\ndelay = "
#define ALL                                                                                                            \
    TEST_TIMER TEST_UDP "[driver:signal]\npath = signal.so\nsignals = USR1\n[driver:blocking]\npath = blocking.so\n"
#define FOUR "timer, udp, signal, blocking"

/* The operations of one program, with the results that it got. */
struct work {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_address address;
    union {
        struct trale_sleep sleep;
        struct trale_udp_send send;
        struct trale_udp_batch batch;
        struct trale_signal signal;
        struct trale_blocking blocking;
    };
    struct trale_udp_recv recv;
    struct trale_udp_error error;
    struct trale_timeout timeout;
    struct trale_datagram datagrams[2];
    char buf[64], other[64];
    int64_t results[16];
    size_t n_results;
};

static int64_t call_me(void *data)
{
    (void)data;
    return 7;
}

static void work_open(struct work *self, struct trale *runtime)
{
    int64_t value;
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &self->socket), 0);
    assert_int_equal(trale_udp_local(self->socket, &self->address), 0);
    assert_int_equal(trale_udp_connect(self->socket, &self->address), 0);
    assert_int_equal(trale_udp_set(self->socket, TRALE_UDP_ERRORS, 1), 0);
    assert_int_equal(trale_udp_get(self->socket, TRALE_UDP_TTL, &value), 0);
    for (size_t i = 0; i < 2; i++)
        self->datagrams[i] = (struct trale_datagram){.buf = self->buf, .size = i + 1, .address = self->address};
    assert_int_equal(trale_udp_try_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf), -EAGAIN);
}

#define AWAIT(future)                                                                                                  \
    do {                                                                                                               \
        trale_await(future);                                                                                           \
        self->results[self->n_results++] = trale_result();                                                             \
    } while (0)

trale_async(work)
{
    trale_begin();
    work_open(self, cx->runtime);
    AWAIT(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    AWAIT(trale_sleep_on(&self->sleep, 99, 0, 0));
    AWAIT(trale_udp_send(&self->send, self->socket, "hello", 5));
    AWAIT(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));
    AWAIT(trale_timeout(&self->timeout, trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf), 1));
    AWAIT(trale_udp_send_batch(&self->batch, self->socket, self->datagrams, 2));
    self->datagrams[0].size = self->datagrams[1].size = sizeof self->buf;
    self->datagrams[1].buf = self->other;
    AWAIT(trale_udp_recv_batch(&self->batch, self->socket, self->datagrams, 2));
    AWAIT(trale_timeout(&self->timeout, trale_udp_recv_error(&self->error, self->socket, self->buf, sizeof self->buf),
                        1));
    kill(getpid(), SIGUSR1);
    AWAIT(trale_signal(&self->signal, SIGUSR1));
    AWAIT(trale_blocking(&self->blocking, call_me, NULL, NULL));
    trale_udp_close(self->socket);
    trale_return(0);
}

static void work_run(struct trale *runtime)
{
    const int64_t expected[] = {0, -EINVAL, 5, 5, -ETIMEDOUT, 2, 2, -ETIMEDOUT, SIGUSR1, 7};
    struct work *self = calloc(1, sizeof *self);
    assert_int_equal(trale_block_on(runtime, trale_call(work, self)), 0);
    assert_int_equal(self->n_results, sizeof expected / sizeof expected[0]);
    assert_memory_equal(self->results, expected, sizeof expected);
    assert_memory_equal(self->other, "he", 2);
    free(self);
}

static int64_t count(const struct trace *trace, const char *what)
{
    int64_t n = trace->count(trace->interface.instance, what);
    if (n < 0)
        fail_msg("there is no count of %s", what);
    return n;
}

static const struct trace *trace_of(struct trale *runtime)
{
    return trale_interface(runtime, "org.example.trace/1", sizeof(struct trace));
}

static void assert_work_was_counted(const struct trace *trace)
{
    const struct {
        const char *what;
        int64_t n;
    } counts[] = {
        {"sleep made", 4}, /* one that is refused, and those of two timeouts */
        {"sleep resolved", 3},
        {"sleep failed", 1},
        {"sleep dropped", 0},
        {"send made", 1},
        {"send resolved", 1},
        {"send failed", 0},
        {"send dropped", 0},
        {"recv made", 2},
        {"recv resolved", 1},
        {"recv failed", 0},
        {"recv dropped", 1},
        {"send_batch made", 1},
        {"send_batch resolved", 1},
        {"recv_batch made", 1},
        {"recv_batch resolved", 1},
        {"recv_error made", 1},
        {"recv_error resolved", 0},
        {"recv_error dropped", 1},
        {"signal made", 1},
        {"signal resolved", 1},
        {"blocking made", 1},
        {"blocking resolved", 1},
        {"open", 1},
        {"close", 1},
        {"local", 1},
        {"connect", 1},
        {"set", 1},
        {"get", 1},
        {"try_recv", 1},
        {"peer", 0},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (count(trace, counts[i].what) != counts[i].n)
            fail_msg("%s: %lld, not %lld", counts[i].what, (long long)count(trace, counts[i].what),
                     (long long)counts[i].n);
    assert_true(count(trace, "recv polled") >= 3);
    assert_true(count(trace, "blocking polled") >= 2);
}

static void test_a_program_runs_with_and_without_a_layer_in_trale_ini(void **state)
{
    (void)state;
    struct trale *runtime = test_open(FOUR, ALL);
    work_run(runtime);
    trale_close(runtime);
    runtime = test_open(FOUR ", trace", ALL TRACE("trace", FOUR));
    work_run(runtime);
    assert_work_was_counted(trace_of(runtime));
    trale_close(runtime);
}

static void test_two_layers_see_the_same(void **state)
{
    (void)state;
    struct trale *runtime = test_open(FOUR ", one, two", ALL TRACE("one", FOUR) TRACE("two", "one, " FOUR));
    const struct trace *two = trace_of(runtime), *one = two->below(two->interface.instance);
    assert_non_null(one);
    assert_null(one->below(one->interface.instance));
    work_run(runtime);
    assert_work_was_counted(two);
    assert_work_was_counted(one);
    trale_close(runtime);
}

static void test_a_layer_is_over_what_trale_ini_says_alone(void **state)
{
    (void)state;
    struct trale *runtime = test_open(FOUR ", trace", ALL TRACE("trace", "udp"));
    const struct trace *trace = trace_of(runtime);
    work_run(runtime);
    assert_int_equal(count(trace, "recv made"), 2);
    assert_int_equal(count(trace, "sleep made"), 0);
    assert_int_equal(count(trace, "signal made"), 0);
    trale_close(runtime);
    /* Nor does it offer what there is not below. */
    runtime = test_open("udp, trace", TEST_UDP TRACE("trace", "udp"));
    assert_null(trale_timer(runtime));
    assert_non_null(trale_udp(runtime));
    trale_close(runtime);
}

static void closes_stream(void *socket)
{
    trale_stream_close(socket);
}

/* A connection is made by the driver below, in a future that the layer has wrapped, and is the layer's all the same. */
static void test_connections_belong_to_the_layer(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, stream, trace",
                                      TEST_TIMER "[driver:stream]\npath = stream.so\n" TRACE("trace", "stream"));
    const struct trace *trace = trace_of(runtime);
    struct trale_stream_listener *listener;
    struct trale_stream_connect connect;
    struct trale_stream_accept accept;
    struct trale_stream_write write;
    struct trale_stream_read read;
    struct trale_address address;
    char buf[8];
    assert_int_equal(trale_stream_listen(runtime, "127.0.0.1:0", 0, &listener), 0);
    assert_int_equal(trale_stream_listener_local(listener, &address), 0);
    assert_int_equal(trale_block_on(runtime, trale_stream_connect(&connect, &address)), 0);
    assert_int_equal(trale_block_on(runtime, trale_stream_accept(&accept, listener)), 0);
    assert_int_equal(trale_block_on(runtime, trale_stream_write(&write, connect.socket, "hello", 5)), 5);
    assert_int_equal(trale_block_on(runtime, trale_stream_read(&read, accept.socket, buf, sizeof buf)), 5);
    test_call_in_task(runtime, closes_stream, accept.socket);
    assert_int_equal(trale_block_on(runtime, trale_stream_read(&read, connect.socket, buf, sizeof buf)), 0);
    assert_int_equal(count(trace, "stream_listen"), 1);
    assert_int_equal(count(trace, "stream_connect resolved"), 1);
    assert_int_equal(count(trace, "stream_accept resolved"), 1);
    assert_int_equal(count(trace, "stream_write made"), 1);
    assert_int_equal(count(trace, "stream_read resolved"), 2);
    assert_int_equal(count(trace, "stream_close"), 1);
    trale_close(runtime);
}

static void test_what_is_logged_is_what_happens(void **state)
{
    (void)state;
    char text[1024];
    struct test_log log = {.length = 0};
    struct trale *runtime;
    struct trale_sleep sleep;
    snprintf(text, sizeof text,
             "[runtime]\nthreads = %d\ndrivers_folder = %s\ndrivers = timer, trace\n" TEST_TIMER TRACE(
                 "trace", "timer") "log = yes\n",
             test_threads(), TEST_DRIVERS);
    assert_int_equal(
        trale_open(&runtime, &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = &log}), 0);
    assert_int_equal(trale_block_on(runtime, trale_sleep_until(&sleep, 1)), 0);
    trale_close(runtime);
    assert_non_null(strstr(log.text, "3 trace: sleep made: 0\n3 trace: sleep polled: 0\n3 trace: sleep resolved: 0\n"));
}

struct hour {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(hour)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, 3600 * TRALE_SECOND));
    trale_return(trale_result());
}

/* Three children: one sleeps until it is reset, one sleeps for an hour and is dropped, one resets the first. */
struct family {
    struct trale_future future;
    struct hour sleeper, dropped;
    struct trale_branch branches[3];
    struct trale_branches race;
    struct resetter {
        struct trale_future future;
        struct trale_sleep *sleep;
    } resetter;
};

trale_async(resetter)
{
    trale_begin();
    trale_yield();
    if (trale_sleep_reset(self->sleep, 1) != 0)
        trale_return(-1);
    for (;;)
        trale_yield();
}

trale_async(family)
{
    trale_begin();
    self->branches[0].future = trale_call(hour, &self->sleeper);
    self->branches[1].future = trale_call(hour, &self->dropped);
    self->branches[2].future = trale_call(resetter, &self->resetter, .sleep = &self->sleeper.sleep);
    trale_await(trale_race(&self->race, self->branches, 3));
    trale_return(trale_result());
}

static void test_a_sleep_is_reset_and_dropped_through_layers(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, one, two", TEST_TIMER TRACE("one", "timer") TRACE("two", "timer"));
    const struct trace *trace = trace_of(runtime);
    struct family *family = calloc(1, sizeof *family);
    assert_int_equal(trale_block_on(runtime, trale_call(family, family)), 0);
    assert_int_equal(count(trace, "sleep made"), 2);
    assert_int_equal(count(trace, "reset"), 1);
    assert_int_equal(count(trace, "sleep resolved"), 1);
    assert_int_equal(count(trace, "sleep dropped"), 1);
    free(family);
    trale_close(runtime);
}

/* --- failures below ----------------------------------------------------------------------------------------------- */

static _Atomic bool no_room;
int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (no_room && operation == EPOLL_CTL_ADD && readlink(path, name, sizeof name - 1) > 0 &&
        strcmp(name, "anon_inode:[timerfd]") == 0) {
        errno = ENOSPC;
        return -1;
    }
    return __real_epoll_ctl(epoll, operation, fd, event);
}

static void test_sleeps_that_fail_below_while_they_wait_fail_through_layers(void **state)
{
    (void)state;
    no_room = true;
    struct trale *runtime = test_open("timer, one, two", TEST_TIMER TRACE("one", "timer") TRACE("two", "timer"));
    const struct trace *trace = trace_of(runtime);
    struct hour hour;
    struct trale_sleep sleep;
    int64_t result = trale_block_on(runtime, trale_call(hour, &hour));
    no_room = false;
    assert_int_equal(result, -ENOSPC);
    assert_int_equal(count(trace, "sleep failed"), 1);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    assert_int_equal(count(trace, "sleep resolved"), 1);
    trale_close(runtime);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Sanitizers have these functions themselves. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define COUNTS_ALLOCATIONS 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef COUNTS_ALLOCATIONS
#define COUNTS_ALLOCATIONS 1
#endif

/* All allocations, those of drivers and of libc too: the program's functions take the place of libc's. */
static _Atomic uint64_t n_allocations;
#if COUNTS_ALLOCATIONS
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
    n_allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    n_allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    n_allocations++;
    return __libc_realloc(memory, size);
}
#endif

/* Echoes to itself and sleeps, again and again. */
struct echo {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_udp_batch batch;
    struct trale_sleep sleep;
    struct trale_timeout timeout;
    struct trale_datagram datagram;
    char buf[16];
    int n_left;
};

trale_async(echo)
{
    trale_begin();
    while (self->n_left-- > 0) {
        trale_try(trale_udp_send(&self->send, self->socket, "ping", 4));
        trale_try(trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf));
        self->datagram = (struct trale_datagram){.buf = self->buf, .size = 4};
        trale_try(trale_udp_send_batch(&self->batch, self->socket, &self->datagram, 1));
        trale_try(trale_udp_recv_batch(&self->batch, self->socket, &self->datagram, 1));
        trale_try(trale_sleep(&self->sleep, 1));
        trale_await(
            trale_timeout(&self->timeout, trale_udp_recv(&self->recv, self->socket, self->buf, sizeof self->buf), 1));
        if (trale_result() != -ETIMEDOUT)
            trale_return(-EPROTO);
    }
    trale_return(0);
}

static void echo_open(struct trale *runtime, struct echo *echo)
{
    struct trale_address address;
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &echo->socket), 0);
    assert_int_equal(trale_udp_local(echo->socket, &address), 0);
    assert_int_equal(trale_udp_connect(echo->socket, &address), 0);
}

/* How many allocations 200 rounds of the echo need, after 10 rounds. */
static uint64_t echo_cost(const char *drivers, const char *sections)
{
    struct trale *runtime = test_open(drivers, sections);
    struct echo echo = {0};
    echo_open(runtime, &echo);
    struct trale_udp_socket *socket = echo.socket;
    assert_int_equal(trale_block_on(runtime, trale_call(echo, &echo, .socket = socket, .n_left = 10)), 0);
    uint64_t before = n_allocations;
    assert_int_equal(trale_block_on(runtime, trale_call(echo, &echo, .socket = socket, .n_left = 200)), 0);
    uint64_t n = n_allocations - before;
    trale_close(runtime);
    return n;
}

static void test_a_layer_allocates_nothing_for_an_await(void **state)
{
    (void)state;
    if (TEST_UNDER_VALGRIND || !COUNTS_ALLOCATIONS || getenv("TRALE_TEST_CHECKS") != NULL) /* checks allocate */
        skip();
    assert_true(n_allocations > 0);
    const char *sections = TEST_TIMER TEST_UDP TRACE("one", "timer, udp") TRACE("two", "timer, udp");
    uint64_t without = echo_cost("timer, udp", sections);
    uint64_t with = echo_cost("timer, udp, one, two", sections);
    assert_in_range(without, 0, 10);
    assert_in_range(with, 0, 10);
}

/* --- several runtimes --------------------------------------------------------------------------------------------- */

static void test_each_runtime_of_a_group_has_layers_of_its_own(void **state)
{
    (void)state;
    enum { N = 3 };
    const char *sections = "drivers = timer, udp, one, delay, two\n" TEST_TIMER TEST_UDP TRACE("one", "timer, udp")
        DELAY "0\n" TRACE("two", "one, timer, delay");
    char text[2048];
    struct trale_group *group;
    struct echo echoes[N] = {{.n_left = 0}};
    struct trale_task *tasks[N];
    snprintf(text, sizeof text, "[runtime]\nthreads = %d\ninstances = %d\ndrivers_folder = %s\n%s", test_threads(), N,
             TEST_DRIVERS, sections);
    assert_int_equal(trale_group_open(&group, &(struct trale_options){.config_text = text}), 0);
    for (size_t i = 0; i < N; i++)
        echo_open(trale_group_runtime(group, i), &echoes[i]);
    for (size_t i = 0; i < N; i++)
        tasks[i] = trale_spawn(trale_group_runtime(group, i), echo, .socket = echoes[i].socket, .n_left = 10 + (int)i);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(trale_join(tasks[i]), 0);
        const struct trace *two = trace_of(trale_group_runtime(group, i));
        const struct trace *one = two->below(two->interface.instance);
        assert_int_equal(count(two, "send made"), 10 + i);
        assert_int_equal(count(two, "recv resolved"), 10 + i);
        assert_int_equal(count(two, "recv dropped"), 10 + i);
        assert_int_equal(count(one, "send resolved"), 10 + i);
        assert_int_equal(count(one, "open"), 1);
    }
    assert_int_equal(trale_group_close(group), 0);
}

/* --- a layer with state ------------------------------------------------------------------------------------------- */

struct late {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_address address; /* its own, and its peer's */
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    char buf[16];
    uint64_t began_ns;
};

trale_async(late)
{
    trale_begin();
    trale_try(trale_udp_send(&self->send, self->socket, "hello, world", 12));
    self->began_ns = trale_now(cx->runtime);
    trale_try(trale_udp_recv(&self->recv, self->socket, self->buf, 5));
    if (trale_result() != 5 || self->recv.length != 12 || !self->recv.truncated ||
        !trale_address_equal(&self->recv.from, &self->address) || memcmp(self->buf, "hello", 5) != 0)
        trale_return(-EPROTO);
    trale_return((int64_t)(trale_now(cx->runtime) - self->began_ns));
}

static void test_a_layer_may_use_another_driver_and_keep_state(void **state)
{
    (void)state;
    const char *sections = TEST_TIMER TEST_UDP DELAY "20ms\n" TRACE("low", "timer, udp") TRACE("high", "udp");
    struct trale *runtime = test_open("timer, udp, low, delay, high", sections);
    const struct trace *high = trace_of(runtime);
    struct trale_address address;
    struct trale_udp_socket *socket;
    struct late late;
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &socket), 0);
    assert_int_equal(trale_udp_local(socket, &address), 0);
    assert_int_equal(trale_udp_connect(socket, &address), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(trale_block_on(runtime, trale_call(late, &late, .socket = socket, .address = address)) >=
                    (int64_t)(20 * TRALE_MILLISECOND));
    }
    assert_int_equal(count(high, "recv made"), 3);
    assert_int_equal(count(high, "recv resolved"), 3);
    trale_close(runtime);
}

static void test_a_layer_with_state_gives_it_back_when_a_receive_is_dropped(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, udp, delay", TEST_TIMER TEST_UDP DELAY "1ms\n");
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    struct trale_timeout timeout;
    char buf[8];
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &socket), 0);
    /* While it sleeps; while it receives; before it was polled. */
    const uint64_t limits_ns[] = {1000, 5 * TRALE_MILLISECOND};
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(trale_block_on(runtime, trale_timeout(&timeout, trale_udp_recv(&recv, socket, buf, sizeof buf),
                                                               limits_ns[i % 2])),
                         -ETIMEDOUT);
    trale_future_drop(trale_udp_recv(&recv, socket, buf, sizeof buf));
    assert_int_equal(trale_close(runtime), 0);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

struct dump {
    char text[4096];
};

static void dump_write(void *data, const char *piece)
{
    struct dump *dump = data;
    snprintf(dump->text + strlen(dump->text), sizeof dump->text - strlen(dump->text), "%s", piece);
}

static void test_backtraces_show_the_names_of_the_driver_below(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer, one, two", TEST_TIMER TRACE("one", "timer") TRACE("two", "timer"));
    struct trale_task *task = trale_spawn(runtime, hour);
    struct trale_sleep sleep;
    struct dump dump = {""};
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    trale_dump(runtime, dump_write, &dump);
    assert_non_null(strstr(dump.text, "trale_sleep"));
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    trale_close(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_runs_with_and_without_a_layer_in_trale_ini),
        cmocka_unit_test(test_two_layers_see_the_same),
        cmocka_unit_test(test_a_layer_is_over_what_trale_ini_says_alone),
        cmocka_unit_test(test_connections_belong_to_the_layer),
        cmocka_unit_test(test_what_is_logged_is_what_happens),
        cmocka_unit_test(test_a_sleep_is_reset_and_dropped_through_layers),
        cmocka_unit_test(test_sleeps_that_fail_below_while_they_wait_fail_through_layers),
        cmocka_unit_test(test_a_layer_allocates_nothing_for_an_await),
        cmocka_unit_test(test_each_runtime_of_a_group_has_layers_of_its_own),
        cmocka_unit_test(test_a_layer_may_use_another_driver_and_keep_state),
        cmocka_unit_test(test_a_layer_with_state_gives_it_back_when_a_receive_is_dropped),
        cmocka_unit_test(test_backtraces_show_the_names_of_the_driver_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
