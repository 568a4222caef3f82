/* SPDX-License-Identifier: MIT
 *
 * The driver uring_udp: what the suites of trale.udp/1 do not see, for it is about completions. Skipped where io_uring
 * is not to be had. */
#include <sys/resource.h>
#include <sys/socket.h>

#include <trale/udp_socket.h>

#include "tests/sandbox.h"

#define N_OPERATIONS 1000
#define EXHAUSTED "buffers are in use"

/* --- runtimes and sockets ----------------------------------------------------------------------------------------- */

static void write_config(char text[1024], const char *keys, int n_instances)
{
    snprintf(text, 1024,
             "[runtime]\ndrivers = timer, udp\nthreads = %d\ninstances = %d\ndrivers_folder = %s\n" TEST_TIMER
             "[driver:udp]\npath = uring_udp.so\n%s\n",
             test_threads(), n_instances, TEST_DRIVERS, keys);
}

static int try_open(struct trale **runtime, struct test_log *log, const char *keys)
{
    char text[1024];
    write_config(text, keys, 1);
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = log};
    return trale_open(runtime, &options);
}

static struct test_log test_log;

/* With io_uring, and an empty log. */
static struct trale *open_with(const char *keys)
{
    char all_keys[256];
    struct trale *runtime = NULL;
    snprintf(all_keys, sizeof all_keys, "fallback = fail\n%s", keys);
    test_log.length = 0;
    test_log.text[0] = '\0';
    assert_int_equal(try_open(&runtime, &test_log, all_keys), 0);
    return runtime;
}

/* A socket of the runtime, and one of the kernel's that is connected to it. */
struct ends {
    struct trale_udp_socket *socket;
    int peer;
};

static struct ends open_ends(struct trale *runtime)
{
    struct ends ends;
    struct trale_address address;
    assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &ends.socket), 0);
    assert_int_equal(trale_udp_local(ends.socket, &address), 0);
    ends.peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(ends.peer, &address.any, trale_address_length(&address)), 0);
    return ends;
}

static void close_ends(struct trale *runtime, const struct ends *ends)
{
    test_close_socket(runtime, ends->socket);
    close(ends->peer);
}

static void peer_sends(const struct ends *ends, int number)
{
    assert_int_equal(send(ends->peer, &number, sizeof number, 0), sizeof number);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

/* Receives a number. */
struct taker {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    int number;
};

trale_async(taker)
{
    trale_begin();
    trale_await(trale_udp_recv_from(&self->recv, self->socket, &self->number, sizeof self->number));
    trale_return(trale_result() == sizeof self->number ? self->number : trale_result());
}

static int64_t take(struct trale *runtime, const struct ends *ends)
{
    return trale_join(trale_spawn(runtime, taker, .socket = ends->socket));
}

/* Lets what tasks have begun reach the kernel. */
struct pause {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(pause)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_return(0);
}

static void let_submit(struct trale *runtime)
{
    assert_int_equal(trale_join(trale_spawn(runtime, pause)), 0);
}

/* --- receives ----------------------------------------------------------------------------------------------------- */

static void test_a_datagram_for_a_dropped_receive_is_for_the_next_and_no_buffer_is_lost(void **state)
{
    (void)state;
    struct trale *runtime = open_with("buffers = 8");
    struct ends ends = open_ends(runtime);
    for (int i = 1; i <= 100; i++) { /* the kernel has the receive; it is dropped as its datagram comes */
        struct trale_task *task = trale_spawn(runtime, taker, .socket = ends.socket);
        if (i % 2 == 0)
            let_submit(runtime);
        trale_abort(task);
        peer_sends(&ends, i);
        int64_t result = trale_join(task);
        assert_int_equal(result == -ECANCELED ? take(runtime, &ends) : result, i);
    }
    close_ends(runtime, &ends);
    assert_int_equal(trale_close(runtime), 0);
    assert_null(strstr(test_log.text, EXHAUSTED));
}

static void test_a_socket_that_takes_all_buffers_leaves_the_others_their_datagrams(void **state)
{
    enum { N = 100 };
    (void)state;
    struct trale *runtime = open_with("buffers = 8");
    struct ends greedy = open_ends(runtime), modest = open_ends(runtime);
    peer_sends(&greedy, 1);
    assert_int_equal(take(runtime, &greedy), 1); /* the kernel receives for it from now on */
    for (int i = 2; i <= N; i++)
        peer_sends(&greedy, i);
    let_submit(runtime);
    for (int i = 1; i <= N; i++) {
        peer_sends(&modest, i);
        assert_int_equal(take(runtime, &modest), i);
    }
    for (int i = 2; i <= N; i++)
        assert_int_equal(take(runtime, &greedy), i);
    for (int i = 1; i <= N; i++) {
        peer_sends(&greedy, i);
        assert_int_equal(take(runtime, &greedy), i);
    }
    close_ends(runtime, &greedy);
    close_ends(runtime, &modest);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(count(test_log.text, EXHAUSTED), 1);
}

/* Counts what there is. */
struct drainer {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
    char bytes[64];
    int64_t n;
    int64_t *n_drops; /* of the socket, then */
};

trale_async(drainer)
{
    trale_begin();
    while (trale_udp_try_recv_from(&self->recv, self->socket, self->bytes, sizeof self->bytes) >= 0)
        self->n++;
    int r = trale_udp_get(self->socket, TRALE_UDP_DROPS, self->n_drops);
    trale_return(r < 0 ? r : self->n);
}

static void test_what_finds_no_room_is_dropped_and_counted(void **state)
{
    enum { N = 400, SIZE = 1000 };
    (void)state;
    struct trale *runtime = open_with("buffers = 8\nreceive_buffer = 8K");
    struct ends ends = open_ends(runtime);
    const char bytes[SIZE] = {0};
    int64_t n_drops = 0;
    peer_sends(&ends, 1);
    assert_int_equal(take(runtime, &ends), 1);
    for (int i = 0; i < N; i++)
        assert_int_equal(send(ends.peer, bytes, sizeof bytes, 0), SIZE);
    let_submit(runtime);
    int64_t n_received = trale_join(trale_spawn(runtime, drainer, .socket = ends.socket, .n_drops = &n_drops));
    assert_true(n_received > 0 && n_drops > 0);
    assert_int_equal(n_received + n_drops, N);
    close_ends(runtime, &ends);
    assert_int_equal(trale_close(runtime), 0);
}

struct reopening {
    struct trale *runtime;
    struct trale_udp_socket *socket;
    struct trale_address address;
    int result;
};

static void reopen(void *data)
{
    struct reopening *self = data;
    trale_udp_close(self->socket);
    self->result = trale_udp_open_at(self->runtime, &self->address, 0, &self->socket);
}

/* The kernel has the socket as long as it receives for it. */
static void test_the_port_of_a_closed_socket_is_free_at_once(void **state)
{
    (void)state;
    struct trale *runtime = open_with("");
    struct ends ends = open_ends(runtime);
    struct reopening reopening = {.runtime = runtime};
    assert_int_equal(trale_udp_local(ends.socket, &reopening.address), 0);
    for (int i = 0; i < 100; i++) {
        peer_sends(&ends, i);
        assert_int_equal(take(runtime, &ends), i);
        reopening.socket = ends.socket;
        test_call_in_task(runtime, reopen, &reopening);
        assert_int_equal(reopening.result, 0);
        ends.socket = reopening.socket;
    }
    close_ends(runtime, &ends);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_runtime_closes_with_a_thousand_receives_in_the_kernel(void **state)
{
    (void)state;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < N_OPERATIONS + 100 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
        skip();
    struct trale *runtime = open_with("entries = 64");
    static struct trale_udp_socket *sockets[N_OPERATIONS];
    for (int i = 0; i < N_OPERATIONS; i++)
        assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &sockets[i]), 0);
    for (int i = 0; i < N_OPERATIONS; i++)
        trale_detach(trale_spawn(runtime, taker, .socket = sockets[i]));
    let_submit(runtime);
    assert_int_equal(trale_close(runtime), 0);
    assert_null(strstr(test_log.text, "still has"));
}

static void *take_on_a_thread(void *data)
{
    struct trale *runtime = ((void **)data)[0];
    let_submit(runtime);
    return NULL;
}

/* io_uring gives up what a thread has handed over when the thread ends: with threads = 0 that is any thread. */
static void test_the_thread_that_began_to_receive_may_end(void **state)
{
    (void)state;
    struct trale *runtime = open_with("");
    struct ends ends = open_ends(runtime);
    struct trale_task *task = trale_spawn(runtime, taker, .socket = ends.socket);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, take_on_a_thread, (void *[]){runtime}), 0);
    pthread_join(thread, NULL);
    peer_sends(&ends, 5);
    assert_int_equal(trale_join(task), 5);
    close_ends(runtime, &ends);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- without io_uring --------------------------------------------------------------------------------------------- */

/* Whether a datagram comes through, by descriptor, without cmocka: the child of a process. */
static bool echo_works(struct trale *runtime)
{
    struct trale_address address;
    struct trale_udp_socket *socket;
    struct trale_udp_send send;
    int number = 42;
    if (trale_udp_open(runtime, "127.0.0.1:0", 0, &socket) < 0 || trale_udp_local(socket, &address) < 0)
        return false;
    struct trale_task *task = trale_spawn(runtime, taker, .socket = socket);
    return trale_block_on(runtime, trale_udp_send_to(&send, socket, &number, sizeof number, &address)) == 4 &&
           trale_join(task) == 42;
}

/* With fallback = fail it does not open; with udp all runtimes of a group do, with one message. */
static int child_falls_back(const char *keys, int error, const char *cause)
{
    static struct test_log log;
    char text[1024], more_keys[256];
    struct trale *runtime;
    struct trale_group *group;
    snprintf(more_keys, sizeof more_keys, "fallback = fail\n%s", keys);
    if (try_open(&runtime, &log, more_keys) != -error || strstr(log.text, cause) == NULL)
        return OTHERWISE;
    log.length = 0;
    write_config(text, keys, 2);
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    if (trale_group_open(&group, &options) < 0 || count(log.text, cause) != 1)
        return OTHERWISE;
    for (size_t i = 0; i < 2; i++)
        if (!echo_works(trale_group_runtime(group, i)))
            return OTHERWISE;
    return trale_group_close(group) == 0 ? AS_WANTED : OTHERWISE;
}

static int child_enters_a_sandbox(void)
{
    static struct test_log log;
    struct trale *runtime;
    if (try_open(&runtime, &log, "") < 0 || !echo_works(runtime))
        return OTHERWISE;
    if (refuse_call(SYS_io_uring_enter, EPERM) < 0)
        return CANNOT_REFUSE;
    return echo_works(runtime) && echo_works(runtime) && trale_close(runtime) == 0 ? AS_WANTED : OTHERWISE;
}

static pid_t begin_child(void)
{
    if (TEST_UNDER_VALGRIND || TEST_LIMITS_CHILDREN)
        skip();
    return fork();
}

static void test_without_a_system_call_it_falls_back_and_names_the_filter(void **state)
{
    const uint32_t calls[] = {SYS_io_uring_setup, SYS_io_uring_register, SYS_io_uring_enter},
                   errors[] = {EPERM, ENOSYS};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        int error = (int)errors[i % 2];
        pid_t child = begin_child();
        if (child == 0)
            _exit(refuse_call(calls[i / 2], (uint32_t)error) < 0 ? CANNOT_REFUSE
                                                                 : child_falls_back("", error, "seccomp filter"));
        assert_as_wanted(child);
    }
}

static void test_without_memory_it_falls_back(void **state)
{
    const struct rlimit limit = {1 << 30, 1 << 30};
    (void)state;
    pid_t child = begin_child();
    if (child == 0)
        _exit(setrlimit(RLIMIT_AS, &limit) < 0 ? CANNOT_REFUSE
                                               : child_falls_back("buffers = 32768", ENOMEM, "memory for its buffers"));
    assert_as_wanted(child);
}

static void test_a_sandbox_that_comes_later_leaves_the_sockets_the_reactor(void **state)
{
    (void)state;
    pid_t child = begin_child();
    if (child == 0)
        _exit(child_enters_a_sandbox());
    assert_as_wanted(child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_datagram_for_a_dropped_receive_is_for_the_next_and_no_buffer_is_lost),
        cmocka_unit_test(test_a_socket_that_takes_all_buffers_leaves_the_others_their_datagrams),
        cmocka_unit_test(test_what_finds_no_room_is_dropped_and_counted),
        cmocka_unit_test(test_the_port_of_a_closed_socket_is_free_at_once),
        cmocka_unit_test(test_a_runtime_closes_with_a_thousand_receives_in_the_kernel),
        cmocka_unit_test(test_the_thread_that_began_to_receive_may_end),
        cmocka_unit_test(test_without_a_system_call_it_falls_back_and_names_the_filter),
        cmocka_unit_test(test_without_memory_it_falls_back),
        cmocka_unit_test(test_a_sandbox_that_comes_later_leaves_the_sockets_the_reactor),
    };
    struct trale *runtime;
    if (try_open(&runtime, &test_log, "fallback = fail") < 0) {
        print_message("%s", test_log.text);
        return 77;
    }
    trale_close(runtime);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
