/* SPDX-License-Identifier: MIT
 *
 * The driver that is built where c-ares is missing, over getaddrinfo(3), in the thread layout that the environment
 * names: as far as it goes without a network. */
#include <trale/blocking.h>

#include "tests/resolve_support.h"

#define SYSTEM                                                                                                         \
    TEST_TIMER "[driver:blocking]\npath = blocking.so\n[driver:resolve]\npath = " TEST_FLAWED_DRIVERS                  \
               "/resolve_system.so\n"

static int system_open(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world->runtime = test_open("timer, blocking, resolve", SYSTEM);
    *state = world;
    return 0;
}

static void test_a_numeric_address_needs_no_thread(void **state)
{
    struct world *world = *state;
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "192.0.2.7", "192.0.2.7:80/- ");
    assert_finds(world, TRALE_LOOKUP_V6, "2001:db8::7", "[2001:db8::7]:80/- ");
    assert_finds(world, TRALE_LOOKUP_ADDRESSES, "fe80::1%lo", "[fe80::1%lo]:80/- ");
    assert_fails(world, TRALE_LOOKUP_V6, "192.0.2.7", -ENODATA);
    assert_fails(world, TRALE_LOOKUP_V4, "::1", -ENODATA);
    assert_fails(world, TRALE_LOOKUP_ADDRESSES, "fe80::1%nosuch", -ENODEV);
}

static void test_what_is_no_name_is_refused(void **state)
{
    struct world *world = *state;
    const char *const texts[] = {"", "..", ".a", "a..b", " ", "a b", "127.1", "1.2.3.4.", ":", "[::1]", "a:80"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_fails(world, TRALE_LOOKUP_ADDRESSES, texts[i], -EINVAL);
    assert_fails(world, 77, "localhost", -EINVAL);
}

/* Whatever the machine's hosts file has: an address of this host. */
static void test_localhost_is_this_host(void **state)
{
    struct world *world = *state;
    struct trale_resolve resolve;
    const uint32_t kinds[] = {TRALE_LOOKUP_ADDRESSES, TRALE_LOOKUP_V4};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(trale_block_on(world->runtime, trale_resolve(&resolve, kinds[i], "localhost", 53)), 0);
        assert_true(trale_address_is_loopback(&resolve.address));
        assert_int_equal(trale_address_port(&resolve.address), 53);
        assert_int_equal(resolve.ttl_s, TRALE_TTL_UNKNOWN);
        assert_null(resolve.lookup.state);
    }
}

static void test_many_lookups_at_once_all_end(void **state)
{
    struct world *world = *state;
    static char texts[50][512];
    struct trale_task *tasks[50];
    for (size_t i = 0; i < 50; i++) {
        texts[i][0] = '\0';
        tasks[i] = trale_spawn(world->runtime, gather, .kind = TRALE_LOOKUP_V4, .name = "localhost", .text = texts[i],
                               .size = sizeof texts[i]);
    }
    for (size_t i = 0; i < 50; i++)
        assert_true(trale_join(tasks[i]) >= 1);
}

static void test_an_address_of_this_host_has_a_name(void **state)
{
    struct world *world = *state;
    struct gather gather;
    char text[512] = "";
    const struct trale_address address = test_address("127.0.0.1:0"), none = {0};
    int64_t n = trale_block_on(world->runtime, trale_call(gather, &gather, .kind = TRALE_LOOKUP_REVERSE,
                                                          .address = &address, .text = text, .size = sizeof text));
    assert_true(n == 1 || n == -ENOENT || n == -ETIME);
    assert_int_equal(trale_block_on(world->runtime, trale_call(gather, &gather, .kind = TRALE_LOOKUP_REVERSE,
                                                               .address = &none, .text = text, .size = 512)),
                     -EINVAL);
}

static void test_services_and_texts_are_not_supported(void **state)
{
    struct world *world = *state;
    assert_fails(world, TRALE_LOOKUP_SRV, "_s._udp.example", -EOPNOTSUPP);
    assert_fails(world, TRALE_LOOKUP_TXT, "www.example", -EOPNOTSUPP);
}

/* A wait that is dropped goes on, and a lookup that is ended is the thread's to free. */
static void test_a_lookup_may_be_dropped_at_any_time(void **state)
{
    struct world *world = *state;
    struct trale_resolve resolve;
    struct trale_timeout timeout;
    for (int i = 0; i < 50; i++) {
        struct trale_future *future = trale_resolve(&resolve, TRALE_LOOKUP_ADDRESSES, "localhost", 53);
        int64_t r = trale_block_on(world->runtime, trale_timeout(&timeout, future, (uint64_t)i * 1000));
        assert_true(r == 0 || r == -ETIMEDOUT);
        assert_null(resolve.lookup.state);
    }
}

static void test_options_are_refused(void **state)
{
    (void)state;
    char text[1024];
    struct test_log log = {.length = 0};
    struct trale *runtime = NULL;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, blocking, resolve\nthreads = 0\ndrivers_folder = %s\n" SYSTEM
             "servers = 192.0.2.1\n",
             TEST_DRIVERS);
    assert_int_equal(
        trale_open(&runtime, &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = &log}),
        -EOPNOTSUPP);
    assert_non_null(strstr(log.text, "servers = 192.0.2.1: this driver is built without c-ares"));
}

#define with_system(test) cmocka_unit_test_setup_teardown(test, system_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_system(test_a_numeric_address_needs_no_thread),
        with_system(test_what_is_no_name_is_refused),
        with_system(test_localhost_is_this_host),
        with_system(test_many_lookups_at_once_all_end),
        with_system(test_an_address_of_this_host_has_a_name),
        with_system(test_services_and_texts_are_not_supported),
        with_system(test_a_lookup_may_be_dropped_at_any_time),
        cmocka_unit_test(test_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
