/* SPDX-License-Identifier: MIT
 *
 * Options of UDP sockets: those that a dual-stack socket has in both families, and what remains when the kernel refuses
 * one of several. No task runs, so the test's thread may use the sockets. */
#include <net/if.h>
#include <netinet/udp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

/* --- setsockopt(2) can be made to fail ---------------------------------------------------------------------------- */

static int n_calls, fail_at; /* the call that fails, counted from 1; 0: none */

/* The program's definition stands before libc's for the driver too. */
int test_setsockopt(int fd, int level, int name, const void *value, socklen_t size) __asm__("setsockopt");
int test_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (++n_calls == fail_at) {
        errno = ENOBUFS;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

static void fail_call(int n)
{
    n_calls = 0;
    fail_at = n;
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static struct trale_udp_socket *open_socket(struct trale *runtime, const char *address, uint32_t flags)
{
    struct trale_udp_socket *socket = NULL;
    assert_int_equal(trale_udp_open(runtime, address, flags, &socket), 0);
    return socket;
}

/* The host with the socket's port, which is in the same place in both families. */
static struct trale_address address_with_port(const char *host, struct trale_udp_socket *socket)
{
    struct trale_address local, address = test_address(host);
    assert_int_equal(trale_udp_local(socket, &local), 0);
    address.v4.sin_port = local.v4.sin_port;
    return address;
}

static int64_t try_send(struct trale_udp_socket *socket, const struct trale_address *to)
{
    struct trale_udp_send send;
    return trale_udp_try_send_to(&send, socket, "x", 1, to);
}

static int64_t try_recv(struct trale_udp_socket *socket, struct trale_udp_info *info)
{
    char byte;
    struct trale_udp_batch batch;
    struct trale_datagram datagram = {.buf = &byte, .size = 1, .info = info};
    return trale_udp_try_recv_batch(&batch, socket, &datagram, 1);
}

static int64_t option_of(struct trale_udp_socket *socket, uint32_t option)
{
    int64_t value = -1;
    assert_int_equal(trale_udp_get(socket, option, &value), 0);
    return value;
}

/* A dual-stack socket and its fd, which tells what each family has. */
static struct trale_udp_socket *adopt_dual_stack(struct trale *runtime, int *fd)
{
    struct trale_address local = {.any.sa_family = AF_INET6};
    struct trale_udp_socket *adopted = NULL;
    *fd = socket(AF_INET6, SOCK_DGRAM, 0);
    assert_int_equal(bind(*fd, &local.any, sizeof local), 0);
    assert_int_equal(trale_udp_adopt(runtime, *fd, &adopted), 0);
    return adopted;
}

static int kernel_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* --- both families ------------------------------------------------------------------------------------------------ */

static const struct {
    uint32_t option;
    int value, v4, v6;
} dual[] = {
    {TRALE_UDP_TTL, 33, IP_TTL, IPV6_UNICAST_HOPS},
    {TRALE_UDP_TRAFFIC_CLASS, 0xb8, IP_TOS, IPV6_TCLASS},
    {TRALE_UDP_MULTICAST_TTL, 7, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS},
    {TRALE_UDP_MULTICAST_LOOP, 0, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP},
    {TRALE_UDP_MULTICAST_ALL, 0, IP_MULTICAST_ALL, 29 /* IPV6_MULTICAST_ALL */},
    {TRALE_UDP_MTU_DISCOVERY, TRALE_UDP_MTU_PROBE, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER},
    {TRALE_UDP_ERRORS, 1, IP_RECVERR, IPV6_RECVERR},
};
#define N_DUAL (sizeof dual / sizeof dual[0])

static void test_a_dual_stack_socket_has_its_options_in_both_families(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = test_open("udp", TEST_UDP);
    int fd;
    struct trale_udp_socket *socket = adopt_dual_stack(runtime, &fd);
    for (size_t i = 0; i < N_DUAL; i++) {
        assert_int_equal(trale_udp_set(socket, dual[i].option, dual[i].value), 0);
        assert_int_equal(option_of(socket, dual[i].option), dual[i].value);
        assert_int_equal(kernel_option(fd, IPPROTO_IP, dual[i].v4), dual[i].value);
        assert_int_equal(kernel_option(fd, IPPROTO_IPV6, dual[i].v6), dual[i].value);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_an_option_that_one_family_refuses_is_in_neither(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = test_open("udp", TEST_UDP);
    int fd;
    struct trale_udp_socket *socket = adopt_dual_stack(runtime, &fd);
    for (size_t i = 0; i < N_DUAL; i++)
        for (int n = 1; n <= 2; n++) {
            int64_t before = option_of(socket, dual[i].option);
            int v4 = kernel_option(fd, IPPROTO_IP, dual[i].v4), v6 = kernel_option(fd, IPPROTO_IPV6, dual[i].v6);
            assert_int_not_equal(before, dual[i].value);
            fail_call(n);
            assert_int_equal(trale_udp_set(socket, dual[i].option, dual[i].value), -ENOBUFS);
            fail_call(0);
            assert_int_equal(option_of(socket, dual[i].option), before);
            assert_int_equal(kernel_option(fd, IPPROTO_IP, dual[i].v4), v4);
            assert_int_equal(kernel_option(fd, IPPROTO_IPV6, dual[i].v6), v6);
        }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_the_interface_for_groups_is_that_of_both_families_or_of_neither(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct trale *runtime = test_open("udp", TEST_UDP);
    uint32_t loopback = if_nametoindex("lo");
    struct trale_udp_socket *socket = open_socket(runtime, "[::]:0", 0);
    fail_call(2);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_MULTICAST_INTERFACE, loopback), -ENOBUFS);
    fail_call(0);
    assert_int_equal(option_of(socket, TRALE_UDP_MULTICAST_INTERFACE), 0);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_MULTICAST_INTERFACE, loopback), 0);
    assert_int_equal(option_of(socket, TRALE_UDP_MULTICAST_INTERFACE), loopback);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_MULTICAST_INTERFACE, INT32_MAX), -ENODEV);
    assert_int_equal(option_of(socket, TRALE_UDP_MULTICAST_INTERFACE), loopback);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_errors_that_are_on_stay_on_when_switching_fails(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *socket = open_socket(runtime, "[::]:0", 0);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, 1), 0);
    for (int value = 0; value <= 1; value++)
        for (int n = 1; n <= 2; n++) {
            fail_call(n);
            assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, value), -ENOBUFS);
            fail_call(0);
            assert_int_equal(option_of(socket, TRALE_UDP_ERRORS), 1);
        }
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_ERRORS, 0), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_an_fd_that_is_not_adopted_has_the_options_that_it_had(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *adopted = NULL;
    int on = 1, times = 1 << 1 /* SOF_TIMESTAMPING_TX_SOFTWARE */, fd = socket(AF_INET6, SOCK_DGRAM, 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &times, sizeof times), 0);
    for (int n = 1; n <= 2; n++) {
        fail_call(n);
        assert_int_equal(trale_udp_adopt(runtime, fd, &adopted), -ENOBUFS);
        fail_call(0);
        assert_null(adopted);
        assert_int_equal(kernel_option(fd, IPPROTO_IPV6, IPV6_RECVERR), 1);
        assert_int_equal(kernel_option(fd, IPPROTO_IP, IP_RECVERR), 0);
        assert_int_equal(kernel_option(fd, SOL_SOCKET, SO_TIMESTAMPING), times);
    }
    close(fd);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_info_that_fails_half_way_is_what_it_was_before(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *sender = open_socket(runtime, "[::1]:0", 0), *socket = open_socket(runtime, "[::]:0", 0);
    struct trale_address to = address_with_port("[::1]:0", socket);
    const uint32_t before = TRALE_UDP_INFO_TTL | TRALE_UDP_INFO_TIME,
                   other = TRALE_UDP_INFO_LOCAL | TRALE_UDP_INFO_TRAFFIC_CLASS;
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_INFO, before), 0);
    int n_options;
    for (n_options = 1; n_options < 100; n_options++) {
        fail_call(n_options);
        int r = trale_udp_set(socket, TRALE_UDP_INFO, other);
        fail_call(0);
        if (r == 0)
            break;
        struct trale_udp_info info = {.have = 0};
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(option_of(socket, TRALE_UDP_INFO), before);
        assert_int_equal(try_send(sender, &to), 1);
        assert_int_equal(try_recv(socket, &info), 1);
        assert_int_equal(info.have, before);
    }
    assert_in_range(n_options, 5, 99);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- what the options do to IPv4 datagrams of an IPv6 socket ------------------------------------------------------ */

static void test_the_options_of_a_dual_stack_socket_hold_for_its_ipv4_datagrams(void **state)
{
    (void)state;
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *receiver = open_socket(runtime, "0.0.0.0:0", 0);
    struct trale_udp_socket *sender = open_socket(runtime, "[::]:0", 0);
    struct trale_address to = address_with_port("[::ffff:127.0.0.1]:0", receiver);
    struct trale_udp_info info;
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_INFO, TRALE_UDP_INFO_TTL | TRALE_UDP_INFO_TRAFFIC_CLASS), 0);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_TTL, 33), 0);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_TRAFFIC_CLASS, 0xb9), 0);
    assert_int_equal(try_send(sender, &to), 1);
    assert_int_equal(try_recv(receiver, &info), 1);
    assert_int_equal(info.ttl, 33);
    assert_int_equal(info.traffic_class, 0xb9);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_dual_stack_socket_may_broadcast_once_it_says_so(void **state)
{
    (void)state;
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *receiver = open_socket(runtime, "0.0.0.0:0", 0);
    struct trale_udp_socket *sender = open_socket(runtime, "[::]:0", 0);
    struct trale_address to = address_with_port("[::ffff:127.255.255.255]:0", receiver);
    assert_int_equal(option_of(sender, TRALE_UDP_BROADCAST), 0);
    assert_int_equal(try_send(sender, &to), -EACCES);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_BROADCAST, 1), 0);
    assert_int_equal(option_of(sender, TRALE_UDP_BROADCAST), 1);
    assert_int_equal(try_send(sender, &to), 1);
    assert_int_equal(try_recv(receiver, NULL), 1);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_dual_stack_socket_sends_to_ipv4_groups_with_its_options(void **state)
{
    (void)state;
    struct trale *runtime = test_open("udp", TEST_UDP);
    uint32_t loopback = if_nametoindex("lo");
    struct trale_udp_socket *receiver = open_socket(runtime, "0.0.0.0:0", 0);
    struct trale_udp_socket *sender = open_socket(runtime, "[::]:0", 0);
    struct trale_address group = test_group("239.86.75.31:0"), to = test_group("[::ffff:239.86.75.31]:0"), local;
    struct trale_udp_info info;
    assert_int_equal(trale_udp_local(receiver, &local), 0);
    trale_address_set_port(&to, trale_address_port(&local));
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_INFO, TRALE_UDP_INFO_TTL), 0);
    assert_int_equal(trale_udp_join_group(receiver, &group, loopback), 0);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_MULTICAST_INTERFACE, loopback), 0);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_MULTICAST_TTL, 5), 0);
    assert_int_equal(try_send(sender, &to), 1);
    assert_int_equal(try_recv(receiver, &info), 1);
    assert_int_equal(info.ttl, 5);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- the path's MTU, and addresses that do not exist -------------------------------------------------------------- */

static void test_the_path_mtu_is_that_of_the_way_to_the_peer(void **state)
{
    (void)state;
    static const char *const ends[][2] = {
        {"0.0.0.0:0", "127.0.0.1:9"}, {"[::]:0", "[::1]:9"}, {"[::]:0", "[::ffff:127.0.0.1]:9"}};
    struct trale *runtime = test_open("udp", TEST_UDP);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct trale_udp_socket *socket = open_socket(runtime, ends[i][0], 0);
        struct trale_address peer = test_address(ends[i][1]);
        int64_t mtu = 12345;
        assert_int_equal(trale_udp_get(socket, TRALE_UDP_PATH_MTU, &mtu), -ENOTCONN);
        assert_int_equal(mtu, 12345);
        assert_int_equal(trale_udp_connect(socket, &peer), 0);
        assert_in_range(option_of(socket, TRALE_UDP_PATH_MTU), 1280, 65536);
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_PATH_MTU, 1500), -ENOPROTOOPT);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_mtu_discovery_takes_its_six_values(void **state)
{
    (void)state;
    static const char *const families[] = {"127.0.0.1:0", "[::1]:0", "[::]:0"};
    struct trale *runtime = test_open("udp", TEST_UDP);
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        struct trale_udp_socket *socket = open_socket(runtime, families[i], 0);
        for (int value = TRALE_UDP_MTU_FRAGMENT; value <= TRALE_UDP_MTU_INTERFACE_FRAGMENT; value++) {
            assert_int_equal(trale_udp_set(socket, TRALE_UDP_MTU_DISCOVERY, value), 0);
            assert_int_equal(option_of(socket, TRALE_UDP_MTU_DISCOVERY), value);
        }
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_MTU_DISCOVERY, -1), -EINVAL);
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_MTU_DISCOVERY, 6), -EINVAL);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_free_bind_takes_addresses_that_do_not_exist_yet(void **state)
{
    (void)state;
    TEST_REAL_ONLY("any address can be bound");
    static const char *const foreign[] = {"192.0.2.77:0", "[2001:db8::77]:0", "[::ffff:192.0.2.77]:0"};
    struct trale *runtime = test_open("udp", TEST_UDP);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct trale_address wanted = test_address(foreign[i]), local;
        struct trale_udp_socket *socket = NULL;
        assert_int_equal(trale_udp_open_at(runtime, &wanted, 0, &socket), -EADDRNOTAVAIL);
        assert_null(socket);
        assert_int_equal(trale_udp_open_at(runtime, &wanted, TRALE_UDP_FREE_BIND, &socket), 0);
        assert_int_equal(trale_udp_local(socket, &local), 0);
        wanted.v4.sin_port = local.v4.sin_port;
        assert_memory_equal(&local, &wanted, sizeof wanted);
    }
    assert_int_equal(trale_close(runtime), 0);
}

/* --- buffers of trale.ini ----------------------------------------------------------------------------------------- */

static void assert_logs(const char *section, const char *const *expected, size_t n_expected)
{
    struct test_log log = {.length = 0};
    char text[1024];
    snprintf(text, sizeof text, "[runtime]\ndrivers = udp\nthreads = %d\ndrivers_folder = %s\n" TEST_UDP "%s",
             test_threads(), TEST_DRIVERS, section);
    struct trale *runtime = NULL;
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    assert_int_equal(trale_open(&runtime, &options), 0);
    open_socket(runtime, "127.0.0.1:0", 0);
    assert_int_equal(trale_close(runtime), 0);
    for (size_t i = 0; i < n_expected; i++)
        if (strstr(log.text, expected[i]) == NULL)
            fail_msg("'%s' is not in: %s", expected[i], log.text);
    if (n_expected == 0 && strstr(log.text, "_buffer") != NULL)
        fail_msg("%s", log.text);
}

static void test_a_buffer_that_the_kernel_cuts_down_is_warned_of(void **state)
{
    (void)state;
    TEST_REAL_ONLY("the buffers of sockets are not limited by settings of the machine");
    char given[2][64];
    bool cut_down = true;
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *socket = open_socket(runtime, "127.0.0.1:0", 0);
    for (uint32_t option = TRALE_UDP_RECEIVE_BUFFER; option <= TRALE_UDP_SEND_BUFFER; option++) {
        assert_int_equal(trale_udp_set(socket, option, 1 << 30), 0);
        cut_down &= option_of(socket, option) / 2 < 1 << 30;
        snprintf(given[option - TRALE_UDP_RECEIVE_BUFFER], sizeof given[0], "the kernel gives %d bytes",
                 (int)(option_of(socket, option) / 2));
    }
    assert_int_equal(trale_close(runtime), 0);
    if (!cut_down)
        skip();
    const char *const receive[] = {"1 udp: receive_buffer = 1G", given[0], "net.core.rmem_max"};
    const char *const send[] = {"1 udp: send_buffer = 1G", given[1], "net.core.wmem_max"};
    assert_logs("receive_buffer = 1G\n", receive, 3);
    assert_logs("send_buffer = 1G\n", send, 3);
    assert_logs("receive_buffer = 16K\nsend_buffer = 16K\n", NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dual_stack_socket_has_its_options_in_both_families),
        cmocka_unit_test(test_an_option_that_one_family_refuses_is_in_neither),
        cmocka_unit_test(test_the_interface_for_groups_is_that_of_both_families_or_of_neither),
        cmocka_unit_test(test_errors_that_are_on_stay_on_when_switching_fails),
        cmocka_unit_test(test_an_fd_that_is_not_adopted_has_the_options_that_it_had),
        cmocka_unit_test(test_info_that_fails_half_way_is_what_it_was_before),
        cmocka_unit_test(test_the_options_of_a_dual_stack_socket_hold_for_its_ipv4_datagrams),
        cmocka_unit_test(test_a_dual_stack_socket_may_broadcast_once_it_says_so),
        cmocka_unit_test(test_a_dual_stack_socket_sends_to_ipv4_groups_with_its_options),
        cmocka_unit_test(test_the_path_mtu_is_that_of_the_way_to_the_peer),
        cmocka_unit_test(test_mtu_discovery_takes_its_six_values),
        cmocka_unit_test(test_a_free_bind_takes_addresses_that_do_not_exist_yet),
        cmocka_unit_test(test_a_buffer_that_the_kernel_cuts_down_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
