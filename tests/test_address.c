/* SPDX-License-Identifier: MIT
 *
 * Addresses. This program links with nothing of trale: address.h needs neither a runtime nor a driver nor libtrale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <trale/address.h>

static struct trale_address parsed(const char *text)
{
    struct trale_address address;
    assert_int_equal(trale_address_parse(text, &address), 0);
    return address;
}

static void test_good_addresses_are_read_and_written_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
        uint16_t port;
    } cases[] = {
        {"192.0.2.1:53", NULL, 53},
        {"0.0.0.0:0", NULL, 0},
        {"255.255.255.255:65535", NULL, 65535},
        {"[::]:0", NULL, 0},
        {"[2001:db8::1]:53", NULL, 53},
        {"[2001:DB8:0:0::0001]:53", "[2001:db8::1]:53", 53},
        {"[0:0:0:0:0:0:0:1]:9", "[::1]:9", 9},
        {"[::ffff:192.0.2.1]:65535", NULL, 65535},
        {"[1234:5678:9abc:def0:1234:5678:9abc:def0]:65535", NULL, 65535},
        {"[fe80::1%lo]:53", NULL, 53},
        {"[ff02::1%1]:5353", "[ff02::1%lo]:5353", 5353},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trale_address address, again;
        memset(&address, 0xff, sizeof address);
        char text[TRALE_ADDRESS_TEXT];
        const char *written = cases[i].written != NULL ? cases[i].written : cases[i].text;
        if (trale_address_parse(cases[i].text, &address) != 0)
            fail_msg("%s is refused", cases[i].text);
        assert_int_equal(address.any.sa_family, cases[i].text[0] == '[' ? AF_INET6 : AF_INET);
        assert_int_equal(ntohs(address.v4.sin_port), cases[i].port);
        if (address.any.sa_family == AF_INET)
            assert_memory_equal(&address.v6.sin6_addr.s6_addr[8], (char[12]){0}, 12);
        assert_int_equal(trale_address_format(&address, text, sizeof text), strlen(written));
        assert_string_equal(text, written);
        assert_int_equal(trale_address_parse(text, &again), 0);
        assert_memory_equal(&again, &address, sizeof address);
    }
}

/* In this order. */
static const char *const different[] = {"10.0.0.1:65535", "127.0.0.1:53",          "192.0.2.1:53",     "192.0.2.1:54",
                                        "192.0.2.1:256",  "192.0.2.2:53",          "[::1]:53",         "[::1]:54",
                                        "[::1]:256",      "[::ffff:192.0.2.1]:53", "[2001:db8::1]:53", "[fe80::1]:53",
                                        "[fe80::1%1]:53", "[ff02::1%1]:9"};
#define N_DIFFERENT (sizeof different / sizeof different[0])

/* What the family does not use has no meaning. */
static void fill_the_rest(struct trale_address *address)
{
    if (address->any.sa_family == AF_INET)
        memset((char *)address + sizeof address->v4, 0xff, sizeof *address - sizeof address->v4);
    else
        address->v6.sin6_flowinfo = htonl(7);
}

static void test_addresses_have_one_order_and_are_equal_by_what_they_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DIFFERENT; i++) {
        for (size_t j = 0; j < N_DIFFERENT; j++) {
            struct trale_address a = parsed(different[i]), b = parsed(different[j]);
            fill_the_rest(&b);
            int order = trale_address_compare(&a, &b);
            if ((i < j) != (order < 0) || (i > j) != (order > 0))
                fail_msg("%s and %s are in order %d", different[i], different[j], order);
            assert_int_equal(trale_address_equal(&a, &b), i == j);
        }
        const struct trale_address none = {0}, some = parsed(different[i]);
        assert_true(trale_address_equal(&none, &none));
        assert_true(trale_address_compare(&none, &some) < 0);
        assert_true(trale_address_compare(&some, &none) > 0);
    }
}

static void test_anything_else_is_no_address(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",
        ":",
        ":53",
        "53",
        "192.0.2.1",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:99999999999999999999",
        "192.0.2.1:-1",
        "192.0.2.1:+1",
        "192.0.2.1: 1",
        "192.0.2.1:1 ",
        " 192.0.2.1:1",
        "192.0.2.1 :1",
        "192.0.2.1:0x35",
        "192.0.2.1:053",
        "192.0.2.1:00",
        "192.0.2.1:5a",
        "192.0.2.1:53\n",
        "192.0.2.1:53:53",
        "192.0.2:53",
        "192.0.2.1.1:53",
        "192.0.2.256:53",
        "192.0.2.01:53",
        "0xc0.0.2.1:53",
        "3221225985:53",
        "192.0.2.1%lo:53",
        "[192.0.2.1]:53",
        "localhost:53",
        "*:53",
        "::1",
        "::1:53",
        "[::1]",
        "[::1]:",
        "[::1]53",
        "[::1]]:53",
        "[[::1]]:53",
        "[[::1]:53",
        "[::1:53",
        "::1]:53",
        "[]:53",
        "[",
        "]",
        "[]",
        "[:53",
        "]:53",
        "[:]:53",
        "[:::]:53",
        "[::1::]:53",
        "[12345::]:53",
        "[1:2:3:4:5:6:7]:53",
        "[1:2:3:4:5:6:7:8:9]:53",
        "[g::]:53",
        "[::1 ]:53",
        "[ ::1]:53",
        "[::1] :53",
        "[::1]:65536",
        "[::1]:053",
        "[::1]:-1",
        "[fe80::1%]:53",
        "[%lo]:53",
        "[::1/128]:53",
        "[::256.0.2.1]:53",
        "unix:/tmp/x:1",
        "192.0.2.1:\xd9\xa1",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:53",
    };
    static const char *const no_interface[] = {
        "[fe80::1%no-such-if]:53",
        "[fe80::1%0]:53",
        "[fe80::1%2147483647]:53",
        "[fe80::1%4294967297]:53",
        "[fe80::1%-1]:53",
        "[fe80::1%01]:53",
        "[fe80::1%lo%lo]:53",
        "[fe80::1%lo ]:53",
        "[fe80::1%lo:1]:53",
        "[fe80::1%lo]]:53",
        "[fe80::1%a-name-that-is-much-too-long-for-any]:53",
    };
    struct trale_address untouched, address;
    memset(&untouched, 0x5a, sizeof untouched);
    address = untouched;
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        if (trale_address_parse(invalid[i], &address) != -EINVAL)
            fail_msg("\"%s\" is taken", invalid[i]);
    for (size_t i = 0; i < sizeof no_interface / sizeof no_interface[0]; i++)
        if (trale_address_parse(no_interface[i], &address) != -ENODEV)
            fail_msg("\"%s\" is taken", no_interface[i]);
    assert_memory_equal(&address, &untouched, sizeof address);
}

static void test_an_address_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    struct trale_address address = parsed("192.0.2.1:53"), zone = parsed("[fe80::1%lo]:53");
    char buf[32];
    for (size_t size = 0; size <= strlen("192.0.2.1:53"); size++) {
        memset(buf, 'x', sizeof buf);
        assert_int_equal(trale_address_format(&address, buf, size), -ENOSPC);
        assert_int_equal(buf[0], 'x');
    }
    assert_int_equal(trale_address_format(&address, buf, 13), 12);
    assert_string_equal(buf, "192.0.2.1:53");
    address.any.sa_family = AF_UNIX;
    assert_int_equal(trale_address_format(&address, buf, sizeof buf), -EINVAL);
    address.any.sa_family = AF_UNSPEC;
    assert_int_equal(trale_address_format(&address, buf, sizeof buf), -EINVAL);
    assert_string_equal(buf, "192.0.2.1:53");
    zone.v6.sin6_scope_id = UINT32_MAX;
    assert_int_equal(trale_address_format(&zone, buf, sizeof buf), strlen("[fe80::1%4294967295]:53"));
    assert_string_equal(buf, "[fe80::1%4294967295]:53");
}

static void test_a_port_is_changed_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_DIFFERENT; i++) {
        struct trale_address address = parsed(different[i]);
        const struct trale_address before = address;
        const uint16_t port = trale_address_port(&address);
        trale_address_set_port(&address, 0x1234);
        assert_int_equal(trale_address_port(&address), 0x1234);
        assert_false(trale_address_equal(&address, &before));
        trale_address_set_port(&address, port);
        assert_memory_equal(&address, &before, sizeof address);
    }
    static const struct trale_address none, foreign = {.any.sa_family = AF_UNIX};
    for (const struct trale_address *odd = &none; odd != NULL; odd = odd == &none ? &foreign : NULL) {
        struct trale_address address = *odd;
        trale_address_set_port(&address, 9);
        assert_int_equal(trale_address_port(&address), 0);
        assert_int_equal(trale_address_length(&address), 0);
        assert_memory_equal(&address, odd, sizeof address);
    }
}

static void test_a_length_is_what_the_kernel_reads(void **state)
{
    (void)state;
    const struct trale_address v4 = parsed("192.0.2.1:53"), v6 = parsed("[::1]:53");
    assert_int_equal(trale_address_length(&v4), sizeof(struct sockaddr_in));
    assert_int_equal(trale_address_length(&v6), sizeof(struct sockaddr_in6));
}

static void test_a_mapped_address_becomes_the_ipv4_address(void **state)
{
    (void)state;
    const struct trale_address v4 = parsed("192.0.2.1:53"), mapped = parsed("[::ffff:192.0.2.1]:53");
    struct trale_address unmapped = trale_address_unmap(&mapped);
    assert_memory_equal(&unmapped, &v4, sizeof v4);
    for (size_t i = 0; i < N_DIFFERENT; i++) {
        const struct trale_address address = parsed(different[i]);
        unmapped = trale_address_unmap(&address);
        assert_int_equal(trale_address_equal(&unmapped, &address), !trale_address_equal(&address, &mapped));
    }
}

static void test_addresses_are_of_the_kinds_that_their_prefixes_say(void **state)
{
    (void)state;
    enum { UNSPECIFIED = 1, MULTICAST = 2, LOOPBACK = 4, LINK_LOCAL = 8 };
    static const struct {
        const char *text;
        int kinds;
    } cases[] = {
        {"0.0.0.0:0", UNSPECIFIED},
        {"0.0.0.1:0", 0},
        {"127.0.0.0:0", LOOPBACK},
        {"127.255.255.255:0", LOOPBACK},
        {"126.255.255.255:0", 0},
        {"128.0.0.0:0", 0},
        {"169.253.255.255:0", 0},
        {"169.254.0.0:0", LINK_LOCAL},
        {"169.254.255.255:0", LINK_LOCAL},
        {"169.255.0.0:0", 0},
        {"223.255.255.255:0", 0},
        {"224.0.0.0:0", MULTICAST},
        {"239.255.255.255:0", MULTICAST},
        {"240.0.0.0:0", 0},
        {"255.255.255.255:0", 0},
        {"[::]:0", UNSPECIFIED},
        {"[::1]:0", LOOPBACK},
        {"[::2]:0", 0},
        {"[2001:db8::1]:0", 0},
        {"[fe7f:ffff::]:0", 0},
        {"[fe80::1%lo]:0", LINK_LOCAL},
        {"[febf:ffff::]:0", LINK_LOCAL},
        {"[fec0::1]:0", 0},
        {"[feff:ffff::]:0", 0},
        {"[ff00::]:0", MULTICAST},
        {"[ff02::1]:0", MULTICAST},
        {"[::ffff:0.0.0.0]:0", UNSPECIFIED},
        {"[::ffff:127.0.0.1]:0", LOOPBACK},
        {"[::ffff:169.254.1.1]:0", LINK_LOCAL},
        {"[::ffff:239.1.2.3]:0", MULTICAST},
        {"[::ffff:192.0.2.1]:0", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct trale_address address = parsed(cases[i].text);
        int kinds = (trale_address_is_unspecified(&address) ? UNSPECIFIED : 0) |
                    (trale_address_is_multicast(&address) ? MULTICAST : 0) |
                    (trale_address_is_loopback(&address) ? LOOPBACK : 0) |
                    (trale_address_is_link_local(&address) ? LINK_LOCAL : 0);
        if (kinds != cases[i].kinds)
            fail_msg("%s is of the kinds %d", cases[i].text, kinds);
    }
    static const struct trale_address none, foreign = {.any.sa_family = AF_UNIX};
    assert_false(trale_address_is_unspecified(&none) || trale_address_is_multicast(&none));
    assert_false(trale_address_is_loopback(&foreign) || trale_address_is_link_local(&foreign));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_addresses_are_read_and_written_back),
        cmocka_unit_test(test_anything_else_is_no_address),
        cmocka_unit_test(test_an_address_is_written_whole_or_not_at_all),
        cmocka_unit_test(test_addresses_have_one_order_and_are_equal_by_what_they_mean),
        cmocka_unit_test(test_a_port_is_changed_alone),
        cmocka_unit_test(test_a_length_is_what_the_kernel_reads),
        cmocka_unit_test(test_a_mapped_address_becomes_the_ipv4_address),
        cmocka_unit_test(test_addresses_are_of_the_kinds_that_their_prefixes_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
