/* SPDX-License-Identifier: MIT
 *
 * Connecting to the first of several addresses that answers: in which order, how long after each other, and what is
 * left behind; in each thread layout. */

#include <trale/stream_connect.h>

#include "tests/streams.h"

/* Addresses that answer (the listener of the streams), that refuse, and that do not answer: a listener whose queue is
 * full. */
static struct trale_address refuses, silent, v6;
static struct trale_stream_socket *queued[4];

static void makes_listeners(void *data)
{
    struct streams *s = data;
    struct trale_stream_listener *listener = NULL;
    assert_int_equal(trale_stream_listen(s->runtime, "127.7.7.7:0", 0, &listener), 0); /* no other program is there */
    assert_int_equal(trale_stream_listener_local(listener, &refuses), 0);
    trale_stream_close_listener(listener);
    assert_int_equal(trale_stream_listen(s->runtime, "127.0.0.1:0", 0, &listener), 0);
    assert_int_equal(trale_stream_listener_local(listener, &silent), 0);
    assert_int_equal(trale_stream_set_listener(listener, TRALE_STREAM_BACKLOG, 0), 0);
    assert_int_equal(trale_stream_listen(s->runtime, "[::1]:0", 0, &listener), 0);
    assert_int_equal(trale_stream_listener_local(listener, &v6), 0);
}

static int open_addresses(void **state)
{
    int r = streams_open(state);
    struct streams *s = *state;
    test_call_in_task(s->runtime, makes_listeners, s);
    assert_int_equal(do_connect(s, &silent, &queued[0]), 0);
    return r;
}

struct racing {
    struct trale_stream_connect_any any;
    struct trale_stream_attempt attempts[3];
    struct trale_address addresses[6];
};

static struct trale_future *race_to(struct racing *r, size_t n_attempts, size_t n, const struct trale_address *to[])
{
    for (size_t i = 0; i < n; i++)
        r->addresses[i] = *to[i];
    return trale_stream_connect_any(&r->any, r->attempts, n_attempts, r->addresses, n);
}

#define RACE(r, n_attempts, ...)                                                                                       \
    race_to(r, n_attempts, sizeof((const struct trale_address *[]){__VA_ARGS__}) / sizeof(void *),                     \
            (const struct trale_address *[]){__VA_ARGS__})

static void test_the_first_address_that_works_is_taken(void **state)
{
    struct streams *s = *state;
    struct racing r;
    int n_fds = test_count_fds();
    assert_int_equal(trale_block_on(s->runtime, RACE(&r, 3, &s->address, &v6)), 0);
    assert_int_equal(r.any.index, 0);
    do_close(s, r.any.socket);
    assert_int_equal(trale_block_on(s->runtime, RACE(&r, 1, &v6)), 0);
    do_close(s, r.any.socket);
    assert_int_equal(test_count_fds(), n_fds);
}

/* The delay is longer than the test may take. */
static void test_the_next_address_is_tried_as_soon_as_one_has_failed(void **state)
{
    struct streams *s = *state;
    struct racing r;
    struct trale_future *future = RACE(&r, 3, &refuses, &refuses, &refuses, &refuses, &s->address);
    r.any.delay_ns = 3600 * TRALE_SECOND;
    assert_int_equal(trale_block_on(s->runtime, future), 0);
    assert_int_equal(r.any.index, 4);
    do_close(s, r.any.socket);
}

static void test_the_families_take_turns(void **state)
{
    struct streams *s = *state;
    struct racing r;
    struct trale_future *future = RACE(&r, 1, &refuses, &refuses, &s->address, &v6);
    r.any.delay_ns = 3600 * TRALE_SECOND;
    assert_int_equal(trale_block_on(s->runtime, future), 0);
    assert_int_equal(r.any.index, 3);
    do_close(s, r.any.socket);
}

static void test_an_address_that_does_not_answer_costs_the_delay_and_no_more(void **state)
{
    struct streams *s = *state;
    struct racing r;
    int n_fds = test_count_fds();
    uint64_t begun_ns = trale_now(s->runtime);
    struct trale_future *future = RACE(&r, 2, &silent, &s->address);
    assert_int_equal(r.any.delay_ns, TRALE_STREAM_ATTEMPT_DELAY);
    r.any.delay_ns = 50 * TRALE_MILLISECOND;
    assert_int_equal(trale_block_on(s->runtime, future), 0);
    assert_int_equal(r.any.index, 1);
    assert_true(trale_now(s->runtime) - begun_ns >= 50 * TRALE_MILLISECOND);
    do_close(s, r.any.socket);
    assert_int_equal(test_count_fds(), n_fds);
}

static void test_when_all_have_failed_the_first_error_is_the_result(void **state)
{
    struct streams *s = *state;
    struct racing r;
    struct trale_address none;
    memset(&none, 0, sizeof none);
    assert_int_equal(trale_block_on(s->runtime, RACE(&r, 3, &refuses, &none, &refuses)), -ECONNREFUSED);
    assert_int_equal(trale_block_on(s->runtime, RACE(&r, 3, &none, &refuses)), -EAFNOSUPPORT);
    assert_int_equal(trale_block_on(s->runtime, race_to(&r, 3, 0, NULL)), -EINVAL);
    assert_int_equal(trale_block_on(s->runtime, RACE(&r, 0, &refuses)), -EINVAL);
    assert_null(r.any.socket);
}

static void test_no_more_are_under_way_than_there_is_room_for(void **state)
{
    struct streams *s = *state;
    struct racing r;
    int n_fds = test_count_fds();
    struct trale_future *future = RACE(&r, 1, &silent, &s->address);
    r.any.delay_ns = 0;
    struct trale_task *racing = begin(s, future);
    let_tasks_run(s);
    assert_int_equal(r.any.n_begun, 1);
    drop(racing);
    assert_int_equal(test_count_fds(), n_fds);
}

static void test_what_is_dropped_leaves_nothing_behind(void **state)
{
    struct streams *s = *state;
    struct racing r;
    int n_fds = test_count_fds();
    struct trale_future *future = RACE(&r, 3, &silent, &silent, &silent, &silent, &silent);
    r.any.delay_ns = 0;
    struct trale_task *racing = begin(s, future);
    for (int i = 0; i < 10; i++)
        let_tasks_run(s);
    drop(racing);
    assert_int_equal(test_count_fds(), n_fds);
    future = RACE(&r, 3, &silent, &s->address);
    r.any.delay_ns = 3600 * TRALE_SECOND;
    racing = begin(s, future);
    drop(racing);
    assert_int_equal(test_count_fds(), n_fds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_addresses, streams_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_address_that_works_is_taken),
        TEST(test_the_next_address_is_tried_as_soon_as_one_has_failed),
        TEST(test_the_families_take_turns),
        TEST(test_an_address_that_does_not_answer_costs_the_delay_and_no_more),
        TEST(test_when_all_have_failed_the_first_error_is_the_result),
        TEST(test_no_more_are_under_way_than_there_is_room_for),
        TEST(test_what_is_dropped_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
