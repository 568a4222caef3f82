/* SPDX-License-Identifier: MIT
 *
 * Answers that are cut off, and asked for over TCP. */
#include "tests/resolve_support.h"

static void test_an_answer_that_is_cut_off_is_asked_for_over_tcp(void **state)
{
    struct world *world = *state;
    static char text[65536];
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "cut.example", "192.0.2.1:80/60 [2001:db8::1]:80/30 ");
    assert_int_equal(world->server.n_streams, 2);

    assert_int_equal(look_up_text(world, TRALE_LOOKUP_V4, "thousand.example", text), 1000);
    char *word = text;
    for (unsigned i = 256; i < 1256; i++) {
        char wanted[64];
        size_t length = (size_t)snprintf(wanted, sizeof wanted, "10.0.%u.%u:80/60 ", i >> 8, i & 255);
        assert_int_equal(strncmp(word, wanted, length), 0);
        word += length;
    }
}

static void test_what_is_not_to_be_had_over_tcp_is_an_error(void **state)
{
    struct world *world = *state;
    assert_fails(world, TRALE_LOOKUP_V4, "halftcp.example", -EMSGSIZE);
    assert_fails(world, TRALE_LOOKUP_V4, "notcp.example", -EMSGSIZE);
}

static void test_a_dropped_wait_goes_on_while_it_connects(void **state)
{
    struct world *world = *state;
    struct impatient impatient;
    assert_int_equal(
        trale_block_on(world->runtime, trale_call(impatient, &impatient, .world = world, .name = "cut.example")), 1);
    assert_int_equal(world->server.n_queries, 1);
    assert_int_equal(world->server.n_streams, 1);
}

/* Waits until the server has seen the end of so many connections. */
struct watch_streams {
    struct trale_future future;
    struct world *world;
    int n;
    struct trale_sleep sleep;
};

trale_async(watch_streams)
{
    trale_begin();
    while (self->world->server.n_streams_ended < self->n)
        trale_try(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_return(0);
}

/* Whether it connects or waits for the answer. */
static void test_a_lookup_that_is_ended_closes_its_connection(void **state)
{
    struct world *world = *state;
    struct impatient impatient;
    struct watch_streams watch;
    int before = count_sockets();
    for (int i = 1; i <= 10; i++)
        assert_int_equal(trale_block_on(world->runtime, trale_call(impatient, &impatient, .world = world,
                                                                   .name = "mutetcp.example", .n_streams = i)),
                         0);
    assert_int_equal(trale_block_on(world->runtime, trale_call(watch_streams, &watch, .world = world, .n = 10)), 0);
    assert_int_equal(count_sockets(), before);
    assert_int_equal(world->server.n_queries, 10);
}

static void test_the_runtime_closes_while_a_connection_waits(void **state)
{
    struct world *world = *state;
    struct impatient impatient;
    for (int i = 1; i <= 3; i++)
        assert_int_equal(
            trale_block_on(world->runtime, trale_call(impatient, &impatient, .world = world, .name = "mutetcp.example",
                                                      .n_queries = i, .leaves = true)),
            0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(test_an_answer_that_is_cut_off_is_asked_for_over_tcp),
        with_world(test_what_is_not_to_be_had_over_tcp_is_an_error),
        with_world(test_a_dropped_wait_goes_on_while_it_connects),
        with_world(test_a_lookup_that_is_ended_closes_its_connection),
        with_world(test_the_runtime_closes_while_a_connection_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
