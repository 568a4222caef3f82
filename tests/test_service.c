/* SPDX-License-Identifier: MIT
 *
 * What the services of the examples share: the limit of each client's rate, and the log. */
#include "tests/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <trale/timer.h>
#include <trale/trale.h>

#include "examples/service/log.h"
#include "examples/service/rate.h"

/* --- rates -------------------------------------------------------------------------------------------------------- */

static struct trale_address address_of(const char *text)
{
    struct trale_address address;
    assert_int_equal(trale_address_parse(text, &address), 0);
    return address;
}

static enum rate_verdict take(struct rate *rate, const char *client, uint64_t now_ns)
{
    const struct trale_address address = address_of(client);
    return rate_take(rate, &address, now_ns);
}

static void test_a_client_has_its_burst_and_then_its_rate(void **state)
{
    (void)state;
    struct rate rate;
    assert_int_equal(rate_init(&rate, 100, 7), 0);
    rate_set(&rate, TRALE_SECOND, 3);
    uint64_t now_ns = 5 * TRALE_SECOND;
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(&rate, "192.0.2.1:123", now_ns), RATE_ALLOWED);
    assert_int_equal(take(&rate, "192.0.2.1:123", now_ns), RATE_EXCEEDED);
    assert_int_equal(take(&rate, "192.0.2.1:9", now_ns), RATE_REFUSED); /* another port is the same client */
    assert_int_equal(take(&rate, "[::ffff:192.0.2.1]:9", now_ns), RATE_REFUSED);
    assert_int_equal(take(&rate, "192.0.2.2:123", now_ns), RATE_ALLOWED);
    assert_int_equal(take(&rate, "192.0.2.1:123", now_ns + TRALE_SECOND - 1), RATE_REFUSED);
    assert_int_equal(take(&rate, "192.0.2.1:123", now_ns + TRALE_SECOND), RATE_ALLOWED);
    assert_int_equal(take(&rate, "192.0.2.1:123", now_ns + TRALE_SECOND), RATE_REFUSED); /* it was notified */
    for (int i = 0; i < 3; i++) /* full again, and no more than full */
        assert_int_equal(take(&rate, "192.0.2.1:123", now_ns + 100 * TRALE_SECOND), RATE_ALLOWED);
    assert_int_equal(take(&rate, "192.0.2.1:123", now_ns + 100 * TRALE_SECOND), RATE_EXCEEDED);
    rate_deinit(&rate);
}

static void test_a_network_of_ipv6_is_one_client(void **state)
{
    (void)state;
    struct rate rate;
    assert_int_equal(rate_init(&rate, 100, 7), 0);
    rate_set(&rate, TRALE_SECOND, 1);
    assert_int_equal(take(&rate, "[2001:db8::1]:123", 1), RATE_ALLOWED);
    assert_int_equal(take(&rate, "[2001:db8::2]:123", 1), RATE_EXCEEDED);
    assert_int_equal(take(&rate, "[2001:db8:0:1::1]:123", 1), RATE_ALLOWED);
    assert_int_equal(take(&rate, "[::1]:123", 1), RATE_ALLOWED);
    assert_int_equal(take(&rate, "[::1]:123", 1), RATE_EXCEEDED);
    rate_deinit(&rate);
}

/* The first 8 bytes of the network, read backwards, are 0xffffffff and this IPv4 address. */
static void test_a_network_of_ipv6_has_no_bucket_of_an_ipv4_address(void **state)
{
    (void)state;
    struct rate rate;
    assert_int_equal(rate_init(&rate, 100, 7), 0);
    rate_set(&rate, TRALE_SECOND, 1);
    assert_int_equal(take(&rate, "[2001:db8:ffff:ffff::1]:123", 1), RATE_ALLOWED);
    assert_int_equal(take(&rate, "184.13.1.32:123", 1), RATE_ALLOWED);
    rate_deinit(&rate);
}

static void test_without_a_limit_all_is_allowed(void **state)
{
    (void)state;
    struct rate rate;
    assert_int_equal(rate_init(&rate, 0, 7), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(take(&rate, "192.0.2.1:123", 1), RATE_ALLOWED);
    rate_deinit(&rate);
}

/* A flood of addresses displaces those that have asked little, and does not free the one that asks without end. */
static void test_a_flood_of_addresses_frees_no_client_from_its_limit(void **state)
{
    (void)state;
    struct rate rate;
    assert_int_equal(rate_init(&rate, 64, 7), 0);
    assert_int_equal(rate.n_buckets, 64);
    rate_set(&rate, TRALE_SECOND, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(take(&rate, "192.0.2.1:123", TRALE_SECOND), RATE_ALLOWED);
    for (uint32_t i = 0; i < 10000; i++) {
        char client[32];
        snprintf(client, sizeof client, "10.0.%u.%u:1", i >> 8 & 255, i & 255);
        assert_int_equal(take(&rate, client, TRALE_SECOND), RATE_ALLOWED);
        assert_int_not_equal(take(&rate, "192.0.2.1:123", TRALE_SECOND), RATE_ALLOWED);
    }
    rate_deinit(&rate);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

static int stderr_kept, pipe_end;

static int hear(void **state)
{
    (void)state;
    int ends[2];
    stderr_kept = dup(STDERR_FILENO);
    if (stderr_kept < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    pipe_end = ends[0];
    return 0;
}

static int hear_no_more(void **state)
{
    (void)state;
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    close(pipe_end);
    service_log_set(3);
    return 0;
}

static void assert_heard(const char *expected)
{
    char heard[4096];
    ssize_t n = read(pipe_end, heard, sizeof heard - 1);
    heard[n > 0 ? n : 0] = '\0';
    assert_string_equal(heard, expected);
}

static void test_a_line_begins_with_its_priority(void **state)
{
    (void)state;
    service_log(LOG_ERR, "failed: %d", 7);
    service_log(LOG_INFO, "ready");
    service_log_trale(NULL, TRALE_LOG_WARNING, "trale", "look");
    service_log_trale(NULL, 99, "trale", "unknown");
    assert_heard("<3>failed: 7\n<6>ready\n<4>trale: look\n");
}

static void test_only_what_is_wanted_is_written(void **state)
{
    (void)state;
    service_log_set(1);
    service_log(LOG_NOTICE, "no");
    service_log(LOG_WARNING, "yes");
    service_log_set(4);
    service_log(LOG_DEBUG, "and this");
    assert_heard("<4>yes\n<7>and this\n");
}

/* What a peer sends can neither make a line of its own nor control a terminal. */
static void test_bytes_of_peers_are_escaped(void **state)
{
    (void)state;
    service_log(LOG_INFO, "name %s", "a\n<0>b\\x0a\x1b[2J\x7f\xc2\x9b\xff~");
    assert_heard("<6>name a\\x0a<0>b\\x5cx0a\\x1b[2J\\x7f\\xc2\\x9b\\xff~\n");
}

static void test_a_long_line_is_cut(void **state)
{
    (void)state;
    char text[3000], expected[1100] = "<6>";
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    service_log(LOG_INFO, "%s", text);
    memset(expected + 3, 'x', 997);
    strcpy(expected + 1000, "...\n");
    assert_heard(expected);
    memset(text, '\n', sizeof text - 1);
    service_log(LOG_INFO, "%s", text);
    for (size_t i = 0; i < 249; i++)
        memcpy(expected + 3 + 4 * i, "\\x0a", 4);
    strcpy(expected + 3 + 4 * 249, "...\n");
    assert_heard(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_has_its_burst_and_then_its_rate),
        cmocka_unit_test(test_a_network_of_ipv6_is_one_client),
        cmocka_unit_test(test_a_network_of_ipv6_has_no_bucket_of_an_ipv4_address),
        cmocka_unit_test(test_without_a_limit_all_is_allowed),
        cmocka_unit_test(test_a_flood_of_addresses_frees_no_client_from_its_limit),
        cmocka_unit_test_setup_teardown(test_a_line_begins_with_its_priority, hear, hear_no_more),
        cmocka_unit_test_setup_teardown(test_only_what_is_wanted_is_written, hear, hear_no_more),
        cmocka_unit_test_setup_teardown(test_bytes_of_peers_are_escaped, hear, hear_no_more),
        cmocka_unit_test_setup_teardown(test_a_long_line_is_cut, hear, hear_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
