/* SPDX-License-Identifier: MIT
 *
 * The driver uring_udp: what the suites of trale.udp/1 do not see, for it is about completions. Skipped where io_uring
 * is not to be had. */
#include <sys/resource.h>

#include <trale/udp_info.h>

#include "tests/uring.h"

#define N_OPERATIONS 1000
#define EXHAUSTED "buffers are in use"

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

/* Switches info on and off while the kernel receives, and has received. Fails with the number of its line. */
struct switching {
    struct trale_future future;
    struct ends ends;
    struct trale_sleep sleep;
    struct trale_udp_recv recv;
    struct trale_udp_info info;
    int number, i;
};

#define expect(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            trale_return(-__LINE__);                                                                                   \
    } while (0)

/* Receives `value`. */
#define expect_number(value)                                                                                           \
    do {                                                                                                               \
        trale_await(trale_udp_recv_info(&self->recv, self->ends.socket, &self->number, sizeof(int), &self->info));     \
        expect(trale_result() == sizeof(int) && self->number == (value));                                              \
    } while (0)

/* Of a datagram that was sent before a switch it is open whether the kernel received it before. */
trale_async(switching)
{
    trale_begin();
    for (self->i = 0; self->i < 50; self->i++) {
        peer_sends(&self->ends, 1);
        expect_number(1);
        expect(self->info.have == 0);
        peer_sends(&self->ends, 2);
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
        expect(trale_udp_set(self->ends.socket, TRALE_UDP_INFO, TRALE_UDP_INFO_TTL) == 0);
        peer_sends(&self->ends, 3);
        expect_number(2);
        expect_number(3);
        expect(self->info.have == TRALE_UDP_INFO_TTL && self->info.ttl > 0);
        peer_sends(&self->ends, 4);
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
        expect(trale_udp_set(self->ends.socket, TRALE_UDP_INFO, 0) == 0);
        peer_sends(&self->ends, 5);
        expect_number(4);
        expect_number(5);
        expect(self->info.have == 0);
    }
    trale_return(0);
}

static void test_info_that_is_switched_on_is_told_of_what_comes_then(void **state)
{
    (void)state;
    struct trale *runtime = open_with("");
    struct ends ends = open_ends(runtime);
    assert_int_equal(trale_join(trale_spawn(runtime, switching, .ends = ends)), 0);
    close_ends(runtime, &ends);
    assert_int_equal(trale_close(runtime), 0);
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
        cmocka_unit_test(test_info_that_is_switched_on_is_told_of_what_comes_then),
    };
    if (!uring_is_there())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
