/* SPDX-License-Identifier: MIT
 *
 * The order of addresses: the examples of RFC 6724, 10.2, and what the kernel says. */
#include <trale/resolve_sort.h>

#include "tests/support.h"

struct pair {
    const char *address, *source; /* NULL: no route leads there */
};

/* Puts the pairs into their order, whichever of them was first, and compares it with the order in which they are
 * given; `is_equal`: they are equal by the rules, and stay as they were. */
static void assert_order(const struct pair pairs[2], bool is_equal)
{
    for (size_t first = 0; first < 2; first++) {
        struct trale_resolve_rank_ ranks[2], rank;
        for (size_t i = 0; i < 2; i++) {
            const struct pair *pair = &pairs[first ^ i];
            const struct trale_address to = test_address(pair->address);
            const struct trale_address from = pair->source != NULL ? test_address(pair->source) : to;
            trale_resolve_rank_init_(&rank, &to, pair->source != NULL ? &from : NULL);
            trale_resolve_put_(ranks, i, &rank);
        }
        const struct trale_address wanted = test_address(pairs[is_equal ? first : 0].address);
        assert_int_equal(trale_address_compare(&ranks[0].address, &wanted), 0);
    }
}

static void test_the_order_is_that_of_the_rfc(void **state)
{
    (void)state;
    const struct pair orders[][2] = {
        /* The first five and the seventh to ninth of its examples, with the sources that it says. */
        {{"[2001:db8:1::1]:80", "[2001:db8:1::2]:0"}, {"198.51.100.121:80", "169.254.13.78:0"}},
        {{"198.51.100.121:80", "198.51.100.117:0"}, {"[2001:db8:1::1]:80", "[fe80::1]:0"}},
        {{"[2001:db8:1::1]:80", "[2001:db8:1::2]:0"}, {"10.1.2.3:80", "10.1.2.4:0"}},
        {{"[fe80::1]:80", "[fe80::2]:0"}, {"[2001:db8:1::1]:80", "[2001:db8:1::2]:0"}},
        {{"[2001:db8:1::1]:80", "[2001:db8:1::2]:0"}, {"[2001:db8:3ffe::1]:80", "[2001:db8:3f44::2]:0"}},
        {{"[2002:c633:6401::1]:80", "[2002:c633:6401::2]:0"}, {"[2001:db8:1::1]:80", "[2002:c633:6401::2]:0"}},
        {{"[2001:db8:1::1]:80", "[2001:db8:1::2]:0"}, {"[2002:c633:6401::1]:80", "[2002:c633:6401::2]:0"}},
        /* Those without a route are last; loopback, unique local, multicast, and Teredo. */
        {{"10.1.2.3:80", "10.1.2.4:0"}, {"[2001:db8:1::1]:80", NULL}},
        {{"[::1]:80", "[::1]:0"}, {"127.0.0.1:80", "127.0.0.1:0"}},
        {{"[2001:db8:1::1]:80", "[2001:db8:1::2]:0"}, {"[fd00::1]:80", "[fd00::2]:0"}},
        {{"10.1.2.3:80", "10.1.2.4:0"}, {"[fd00::1]:80", "[fd00::2]:0"}},
        {{"10.1.2.3:80", "10.1.2.4:0"}, {"[2001::1]:80", "[2001::2]:0"}},
        {{"[ff02::1]:80", "[fe80::2]:0"}, {"[ff05::1]:80", "[fe80::2]:0"}},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        assert_order(orders[i], false);
}

static void test_equal_addresses_stay_as_they_were(void **state)
{
    (void)state;
    const struct pair equals[][2] = {
        {{"192.0.2.1:80", "10.0.0.1:0"}, {"10.0.0.2:80", "10.0.0.1:0"}}, /* no prefixes of IPv4: see round robin */
        {{"[2001:db8::1:1]:80", "[2001:db8::1:2]:0"}, {"[2001:db8::2:1]:80", "[2001:db8::1:2]:0"}},
        {{"[2001:db8::1]:80", NULL}, {"[2001:db8::2]:80", NULL}},
    };
    for (size_t i = 0; i < sizeof equals / sizeof equals[0]; i++)
        assert_order(equals[i], true);
}

struct sort {
    struct trale *runtime;
    struct trale_address addresses[3];
    size_t n;
    int result;
};

static void sorts(void *data)
{
    struct sort *sort = data;
    sort->result = trale_resolve_sort(sort->runtime, sort->addresses, sort->n);
}

static void test_the_kernel_says_which_addresses_can_be_reached(void **state)
{
    (void)state;
    struct sort sort = {.runtime = test_open("timer, udp", TEST_TIMER TEST_UDP), .n = 3};
    sort.addresses[0] = test_address("[fe80::1]:80"); /* no zone: nowhere */
    sort.addresses[1] = test_address("127.0.0.2:80");
    sort.addresses[2] = test_address("127.0.0.1:0");
    test_call_in_task(sort.runtime, sorts, &sort);
    assert_int_equal(sort.result, 0);
    const char *const wanted[] = {"127.0.0.2:80", "127.0.0.1:0", "[fe80::1]:80"};
    for (size_t i = 0; i < 3; i++) {
        char text[TRALE_ADDRESS_TEXT];
        trale_address_format(&sort.addresses[i], text, sizeof text);
        assert_string_equal(text, wanted[i]);
    }
    sort.n = 0;
    test_call_in_task(sort.runtime, sorts, &sort);
    assert_int_equal(sort.result, 0);
    trale_close(sort.runtime);
}

static void test_without_a_driver_for_udp_nothing_is_sorted(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a simulation has all of its interfaces");
    struct sort sort = {.runtime = test_open("timer", TEST_TIMER), .n = 2};
    sort.addresses[0] = test_address("[fe80::1]:80");
    sort.addresses[1] = test_address("127.0.0.1:80");
    test_call_in_task(sort.runtime, sorts, &sort);
    assert_int_equal(sort.result, -ENODEV);
    assert_int_equal(sort.addresses[0].any.sa_family, AF_INET6);
    trale_close(sort.runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_is_that_of_the_rfc),
        cmocka_unit_test(test_equal_addresses_stay_as_they_were),
        cmocka_unit_test(test_the_kernel_says_which_addresses_can_be_reached),
        cmocka_unit_test(test_without_a_driver_for_udp_nothing_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
