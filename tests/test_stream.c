/* SPDX-License-Identifier: MIT
 *
 * Connections: bytes in order, their end, resets, and what waits. One test of the interface, in each thread layout. */
#include "tests/streams.h"

static void test_bytes_arrive_in_order(void **state)
{
    struct streams *s = *state;
    char buf[64];
    assert_int_equal(do_write(s, s->client, "hello, ", 7), 7);
    assert_int_equal(do_write(s, s->client, "stream", 6), 6);
    assert_int_equal(do_read_all(s, s->server, buf, 13), 13);
    assert_memory_equal(buf, "hello, stream", 13);
    assert_int_equal(do_write(s, s->server, "and back", 8), 8);
    assert_int_equal(do_read_all(s, s->client, buf, 8), 8);
    assert_memory_equal(buf, "and back", 8);
}

static void test_the_end_of_the_stream_is_0_time_and_again(void **state)
{
    struct streams *s = *state;
    char buf[8];
    assert_int_equal(do_write(s, s->client, "last", 4), 4);
    do_close(s, s->client);
    assert_int_equal(do_read_all(s, s->server, buf, 4), 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_read(s, s->server, buf, sizeof buf), 0);
}

static void test_a_reset_is_never_an_end(void **state)
{
    struct streams *s = *state;
    char buf[8];
    do_reset(s, s->client);
    for (int i = 0; i < 3; i++)
        assert_int_equal(do_read(s, s->server, buf, sizeof buf), -ECONNRESET);
    assert_int_equal(do_write(s, s->server, "lost", 4), -ECONNRESET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes_arrive_in_order, streams_open, streams_close),
        cmocka_unit_test_setup_teardown(test_the_end_of_the_stream_is_0_time_and_again, streams_open, streams_close),
        cmocka_unit_test_setup_teardown(test_a_reset_is_never_an_end, streams_open, streams_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
