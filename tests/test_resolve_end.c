/* SPDX-License-Identifier: MIT
 *
 * Lookups that are left, ended or too many: what they leave behind, and what goes on. */
#include <pthread.h>

#include "tests/resolve_support.h"

/* --- tasks -------------------------------------------------------------------------------------------------------- */

static void test_a_dropped_wait_goes_on(void **state)
{
    struct world *world = *state;
    struct impatient impatient;
    const char *const names[] = {"www.example", "chain.example", "forged.example"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(
            trale_block_on(world->runtime, trale_call(impatient, &impatient, .world = world, .name = names[i])), 1);
    assert_int_equal(world->server.n_queries, 3); /* none was asked again */
}

/* The answer comes long after the lookup was ended, and reaches nothing. */
static void test_a_lookup_that_is_ended_leaves_no_socket_behind(void **state)
{
    struct world *world = *state;
    struct impatient impatient;
    int before = count_sockets();
    for (int i = 1; i <= 20; i++)
        assert_int_equal(trale_block_on(world->runtime, trale_call(impatient, &impatient, .world = world,
                                                                   .name = "silent.example", .n_queries = i)),
                         0);
    assert_int_equal(count_sockets(), before);
    assert_finds(world, TRALE_LOOKUP_V4, "www.example", "192.0.2.1:80/60 ");
}

static void test_what_a_program_has_not_ended_is_freed_with_the_runtime(void **state)
{
    struct world *world = *state;
    struct impatient impatient;
    for (int i = 1; i <= 3; i++)
        assert_int_equal(
            trale_block_on(world->runtime, trale_call(impatient, &impatient, .world = world, .name = "silent.example",
                                                      .n_queries = i, .leaves = true)),
            0);
}

/* The time of its try is up when the task is gone that has waited for it. */
static void test_a_lookup_that_was_left_wakes_nothing(void **state)
{
    (void)state;
    struct world world = {0};
    struct trale_sleep sleep;
    world_open_with(&world, WORLD "timeout = 5ms\ntries = 10\n");
    for (int i = 1; i <= 3; i++)
        assert_int_equal(trale_join(trale_spawn(world.runtime, impatient, .world = &world, .name = "silent.example",
                                                .n_queries = i, .leaves = true)),
                         0);
    assert_int_equal(trale_block_on(world.runtime, trale_sleep(&sleep, 20 * TRALE_MILLISECOND)), 0);
    trale_close(world.runtime);
}

/* Lets other tasks run until the server has had so many queries. */
struct watch_server {
    struct trale_future future;
    struct world *world;
    int n_queries;
    struct trale_sleep sleep;
};

trale_async(watch_server)
{
    trale_begin();
    while (self->world->server.n_queries < self->n_queries)
        trale_try(trale_sleep(&self->sleep, TRALE_MILLISECOND));
    trale_return(0);
}

static void wait_for_queries(struct world *world, int n)
{
    struct watch_server watch;
    assert_int_equal(trale_block_on(world->runtime, trale_call(watch_server, &watch, .world = world, .n_queries = n)),
                     0);
}

static void test_the_runtime_closes_while_lookups_are_in_flight(void **state)
{
    struct world *world = *state;
    static char text[256];
    text[0] = '\0';
    for (int i = 0; i < 20; i++)
        trale_detach(trale_spawn(world->runtime, gather, .kind = (uint32_t)i % 5, .name = "silent.example",
                                 .text = text, .size = sizeof text));
    wait_for_queries(world, 24);
}

static void test_a_lookup_that_is_dropped_ends(void **state)
{
    struct world *world = *state;
    static char text[256];
    int before = count_sockets();
    text[0] = '\0';
    struct trale_task *task = trale_spawn(world->runtime, gather, .kind = TRALE_LOOKUP_ADDRESSES,
                                          .name = "silent.example", .text = text, .size = sizeof text);
    wait_for_queries(world, 2);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(count_sockets(), before);
}

static void test_one_address_that_is_dropped_leaves_nothing_behind(void **state)
{
    struct world *world = *state;
    struct trale_resolve resolve;
    struct trale_timeout timeout;
    int before = count_sockets();
    struct trale_future *future = trale_resolve(&resolve, TRALE_LOOKUP_V4, "silent.example", 80);
    assert_int_equal(trale_block_on(world->runtime, trale_timeout(&timeout, future, TRALE_MILLISECOND)), -ETIMEDOUT);
    assert_null(resolve.lookup.state);
    assert_int_equal(count_sockets(), before);
}

/* --- many --------------------------------------------------------------------------------------------------------- */

static void world_open_narrow(struct world *world)
{
    *world = (struct world){0};
    world_open_with(world, WORLD "queries = 3\ntries = 1\ntimeout = 20s\n");
}

static void test_lookups_that_are_too_many_wait_for_their_turn(void **state)
{
    (void)state;
    struct world world;
    static char texts[100][128];
    struct trale_task *tasks[100];
    world_open_narrow(&world);
    for (size_t i = 0; i < 100; i++) {
        texts[i][0] = '\0';
        tasks[i] = trale_spawn(world.runtime, gather, .name = i % 2 == 0 ? "www.example" : "none.example",
                               .text = texts[i], .size = sizeof texts[i]);
    }
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(trale_join(tasks[i]), i % 2 == 0 ? 2 : -ENODATA);
        sort_words(texts[i]);
        assert_string_equal(texts[i], i % 2 == 0 ? "192.0.2.1:80/60 [2001:db8::1]:80/30 " : "");
    }
    assert_int_equal(world.server.n_queries, 200);
    trale_close(world.runtime);
}

static void test_the_turn_of_a_lookup_that_ends_is_passed_on(void **state)
{
    (void)state;
    struct world world;
    static char text[256];
    struct trale_task *tasks[12];
    world_open_narrow(&world);
    text[0] = '\0';
    for (size_t i = 0; i < 12; i++)
        tasks[i] = trale_spawn(world.runtime, gather, .kind = TRALE_LOOKUP_V4, .name = "silent.example", .text = text,
                               .size = sizeof text);
    wait_for_queries(&world, 3);
    for (size_t i = 5; i < 9; i++) { /* of those that wait */
        trale_abort(tasks[i]);
        assert_int_equal(trale_join(tasks[i]), -ECANCELED);
    }
    struct trale_task *last = trale_spawn(world.runtime, gather, .kind = TRALE_LOOKUP_V4, .name = "www.example",
                                          .text = text, .size = sizeof text);
    for (size_t i = 0; i < 12; i++) { /* and those that ask */
        if (i >= 5 && i < 9)
            continue;
        trale_abort(tasks[i]);
        assert_int_equal(trale_join(tasks[i]), -ECANCELED);
    }
    assert_int_equal(trale_join(last), 1);
    trale_close(world.runtime);
}

/* Begins a lookup, leaves it for a while, and goes on. */
struct revisit {
    struct trale_future future;
    struct trale_lookup lookup;
    struct trale_sleep sleep;
    TRALE_BRANCHES(2) race;
};

static void revisit_close(struct revisit *self)
{
    trale_lookup_end(&self->lookup);
}

trale_async_with(revisit, revisit_close)
{
    trale_begin();
    trale_lookup(&self->lookup, TRALE_LOOKUP_V4, "www.example", 80);
    trale_try(trale_race_in_order_of(&self->race, trale_lookup_next(&self->lookup), trale_sleep(&self->sleep, 0)));
    if (trale_result() == 0)
        trale_return(self->race.branch[0].result);
    trale_try(trale_sleep(&self->sleep, 200 * TRALE_MILLISECOND));
    trale_try(trale_lookup_next(&self->lookup));
    trale_return(trale_result());
}

/* Both those that ask and those that wait for their turn, be they ended later or never. */
static void test_lookups_that_were_left_keep_no_other_from_its_turn(void **state)
{
    (void)state;
    struct world world = {0};
    struct trale_task *revisits[5];
    world_open_with(&world, WORLD "queries = 2\ntries = 10\ntimeout = 20ms\n");
    for (size_t i = 0; i < 5; i++)
        revisits[i] = trale_spawn(world.runtime, revisit);
    for (int i = 0; i < 4; i++)
        assert_int_equal(trale_join(trale_spawn(world.runtime, impatient, .world = &world, .name = "silent.example",
                                                .n_queries = 1, .leaves = true)),
                         0);
    assert_finds(&world, TRALE_LOOKUP_ADDRESSES, "www.example", "192.0.2.1:80/60 [2001:db8::1]:80/30 ");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(trale_join(revisits[i]), 1);
    trale_close(world.runtime);
}

/* --- several runtimes --------------------------------------------------------------------------------------------- */

static void *use_a_world(void *data)
{
    struct world *world = data;
    static __thread char text[65536];
    world_open_with(world, WORLD "tries = 1\ntimeout = 20s\n");
    int64_t *result = malloc(sizeof *result);
    *result = look_up_text(world, TRALE_LOOKUP_ADDRESSES, "www.example", text);
    trale_close(world->runtime);
    return result;
}

static void test_runtimes_of_one_process_know_nothing_of_each_other(void **state)
{
    (void)state;
    TEST_REAL_ONLY("another thread has no part in a simulation");
    static struct world worlds[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_a_world, &worlds[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_int_equal(*(int64_t *)result, 2);
        free(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(test_a_dropped_wait_goes_on),
        with_world(test_a_lookup_that_is_ended_leaves_no_socket_behind),
        with_world(test_what_a_program_has_not_ended_is_freed_with_the_runtime),
        cmocka_unit_test(test_a_lookup_that_was_left_wakes_nothing),
        with_world(test_the_runtime_closes_while_lookups_are_in_flight),
        with_world(test_a_lookup_that_is_dropped_ends),
        with_world(test_one_address_that_is_dropped_leaves_nothing_behind),
        cmocka_unit_test(test_lookups_that_are_too_many_wait_for_their_turn),
        cmocka_unit_test(test_the_turn_of_a_lookup_that_ends_is_passed_on),
        cmocka_unit_test(test_lookups_that_were_left_keep_no_other_from_its_turn),
        cmocka_unit_test(test_runtimes_of_one_process_know_nothing_of_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
