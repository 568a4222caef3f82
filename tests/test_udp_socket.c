/* SPDX-License-Identifier: MIT
 *
 * What udp_socket.h adds to UDP, in each thread layout. No task runs, so the test's thread may use the sockets. */
#include <fcntl.h>
#include <net/if.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <trale/udp_info.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

static struct trale *open_udp(void)
{
    return test_open("udp", TEST_UDP);
}

static struct trale_udp_socket *open_socket(struct trale *runtime, const char *address, struct trale_address *local)
{
    struct trale_udp_socket *socket = NULL;
    assert_int_equal(trale_udp_open(runtime, address, 0, &socket), 0);
    if (local != NULL)
        assert_int_equal(trale_udp_local(socket, local), 0);
    return socket;
}

static int64_t try_recv(struct trale_udp_socket *socket)
{
    char buf[64];
    struct trale_udp_recv recv;
    return trale_udp_try_recv_from(&recv, socket, buf, sizeof buf);
}

static int64_t try_send(struct trale_udp_socket *socket, const struct trale_address *to, size_t size)
{
    static const char bytes[64];
    struct trale_udp_send send;
    return trale_udp_try_send_to(&send, socket, bytes, size, to);
}

static int64_t option_of(struct trale_udp_socket *socket, uint32_t option)
{
    int64_t value = -1;
    assert_int_equal(trale_udp_get(socket, option, &value), 0);
    return value;
}

/* --- tries -------------------------------------------------------------------------------------------------------- */

static void test_a_try_takes_what_is_there_and_never_waits(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_address to, from;
    struct trale_udp_socket *receiver = open_socket(runtime, "127.0.0.1:0", &to);
    struct trale_udp_socket *sender = open_socket(runtime, "127.0.0.1:0", &from);
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    char buf[4];
    assert_int_equal(trale_udp_try_recv_from(&recv, receiver, buf, sizeof buf), -EAGAIN);
    assert_int_equal(trale_udp_try_send_to(&send, sender, "longer", 6, &to), 6);
    assert_int_equal(trale_udp_try_recv_from(&recv, receiver, buf, sizeof buf), 4);
    assert_memory_equal(buf, "long", 4);
    assert_int_equal(recv.truncated, 1);
    assert_int_equal(recv.length, 6);
    assert_int_equal(recv.from.v4.sin_port, from.v4.sin_port);
    assert_int_equal(trale_udp_try_send(&send, sender, "lost", 4), -EDESTADDRREQ);
    assert_int_equal(trale_udp_connect(sender, &to), 0);
    assert_int_equal(trale_udp_try_send(&send, sender, "", 0), 0);
    assert_int_equal(trale_udp_try_recv_from(&recv, receiver, buf, sizeof buf), 0);
    assert_int_equal(trale_udp_try_recv_from(&recv, receiver, buf, sizeof buf), -EAGAIN);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_batch_is_tried_as_far_as_it_goes(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_address to;
    struct trale_udp_socket *receiver = open_socket(runtime, "127.0.0.1:0", &to);
    struct trale_udp_socket *sender = open_socket(runtime, "127.0.0.1:0", NULL);
    char out[] = "ab", in[3][4];
    struct trale_datagram sent[] = {{.buf = &out[0], .size = 1, .address = to},
                                    {.buf = &out[1], .size = 1, .address = to}};
    struct trale_datagram received[3];
    for (size_t i = 0; i < 3; i++)
        received[i] = (struct trale_datagram){.buf = in[i], .size = sizeof in[i]};
    struct trale_udp_batch batch;
    assert_int_equal(trale_udp_try_recv_batch(&batch, receiver, received, 3), -EAGAIN);
    assert_int_equal(trale_udp_try_recv_batch(&batch, receiver, received, 0), -EINVAL);
    assert_int_equal(trale_udp_try_send_batch(&batch, sender, sent, 0), -EINVAL);
    assert_int_equal(trale_udp_try_send_batch(&batch, sender, sent, 2), 2);
    assert_int_equal(trale_udp_try_recv_batch(&batch, receiver, received, 3), 2);
    assert_int_equal(received[1].length, 1);
    assert_int_equal(in[0][0], 'a');
    assert_int_equal(in[1][0], 'b');
    assert_int_equal(trale_close(runtime), 0);
}

static void test_what_is_behind_an_ipv4_address_is_zero(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_address to, from, expected;
    struct trale_udp_socket *receiver = open_socket(runtime, "127.0.0.1:0", &to);
    struct trale_udp_socket *sender = open_socket(runtime, "127.0.0.1:0", &from);
    char byte;
    struct trale_udp_recv recv;
    struct trale_udp_batch batch;
    struct trale_datagram datagram = {.buf = &byte, .size = 1};
    memset(&datagram.address, 0xff, sizeof datagram.address);
    memset(&recv, 0xff, sizeof recv);
    memset(&expected, 0, sizeof expected);
    expected.v4 = from.v4;
    assert_int_equal(try_send(sender, &to, 1), 1);
    assert_int_equal(try_send(sender, &to, 1), 1);
    assert_int_equal(trale_udp_try_recv_from(&recv, receiver, &byte, 1), 1);
    assert_int_equal(trale_udp_try_recv_batch(&batch, receiver, &datagram, 1), 1);
    assert_memory_equal(&recv.from, &expected, sizeof expected);
    assert_memory_equal(&datagram.address, &expected, sizeof expected);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- options ------------------------------------------------------------------------------------------------------ */

static void test_the_traffic_class_is_set_in_both_families(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    static const char *const families[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t i = 0; i < 2; i++) {
        struct trale_udp_socket *socket = open_socket(runtime, families[i], NULL);
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_TRAFFIC_CLASS, 46 << 2 | 1), 0);
        assert_int_equal(option_of(socket, TRALE_UDP_TRAFFIC_CLASS), 46 << 2 | 1);
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_TRAFFIC_CLASS, 256), -EINVAL);
        assert_int_equal(option_of(socket, TRALE_UDP_MULTICAST_ALL), 1);
        assert_int_equal(trale_udp_set(socket, TRALE_UDP_MULTICAST_ALL, 0), 0);
        assert_int_equal(option_of(socket, TRALE_UDP_MULTICAST_ALL), 0);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_socket_can_be_bound_to_an_interface(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_address to;
    struct trale_udp_socket *receiver = open_socket(runtime, "127.0.0.1:0", &to);
    struct trale_udp_socket *sender = open_socket(runtime, "127.0.0.1:0", NULL);
    int64_t loopback = if_nametoindex("lo");
    assert_int_equal(option_of(receiver, TRALE_UDP_INTERFACE), 0);
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_INTERFACE, INT32_MAX), -ENODEV);
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_INTERFACE, -1), -EINVAL);
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_INTERFACE, loopback), 0);
    assert_int_equal(option_of(receiver, TRALE_UDP_INTERFACE), loopback);
    assert_int_equal(try_send(sender, &to, 5), 5);
    assert_int_equal(try_recv(receiver), 5);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_what_waits_and_what_was_lost_can_be_read(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_address to;
    struct trale_udp_socket *receiver = open_socket(runtime, "127.0.0.1:0", &to);
    struct trale_udp_socket *sender = open_socket(runtime, "127.0.0.1:0", NULL);
    assert_int_equal(trale_udp_set(receiver, TRALE_UDP_RECEIVE_BUFFER, 4096), 0);
    assert_int_equal(option_of(receiver, TRALE_UDP_RECEIVE_QUEUE), 0);
    assert_int_equal(option_of(receiver, TRALE_UDP_DROPS), 0);
    enum { N = 1000 };
    for (int i = 0; i < N; i++)
        assert_int_equal(try_send(sender, &to, 64), 64);
    assert_true(option_of(receiver, TRALE_UDP_RECEIVE_QUEUE) >= 64);
    int64_t n_lost = option_of(receiver, TRALE_UDP_DROPS), n_received = 0;
    while (try_recv(receiver) == 64)
        n_received++;
    assert_true(n_received > 0 && n_lost > 0);
    assert_int_equal(n_received + n_lost, N);
    assert_int_equal(option_of(receiver, TRALE_UDP_RECEIVE_QUEUE), 0);
    assert_int_equal(option_of(sender, TRALE_UDP_SEND_QUEUE), 0);
    for (uint32_t option = TRALE_UDP_SEND_QUEUE; option <= TRALE_UDP_DROPS; option++)
        assert_int_equal(trale_udp_set(receiver, option, 0), -ENOPROTOOPT);
    int64_t untouched = 42;
    assert_int_equal(trale_udp_get(receiver, TRALE_UDP_PATH_MTU + 1, &untouched), -ENOPROTOOPT);
    assert_int_equal(untouched, 42);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- sizes of 4 GiB and more -------------------------------------------------------------------------------------- */

/* What a size of 32 bits would make 3 bytes. Nothing is read or written behind a datagram. */
#define TOO_LARGE (((size_t)1 << 32) + 3)
static char large[70000];

static void check_large(const char *address)
{
    struct trale *runtime = open_udp();
    struct trale_address to;
    struct trale_udp_socket *socket = open_socket(runtime, address, &to);
    struct trale_udp_send send;
    struct trale_udp_recv recv;
    struct trale_udp_info info = {.have = 0};
    assert_int_equal(trale_udp_try_send_to(&send, socket, large, TOO_LARGE, &to), -EMSGSIZE);
    assert_int_equal(trale_udp_try_send_info(&send, socket, large, TOO_LARGE, &to, &info), -EMSGSIZE);
    assert_int_equal(trale_udp_try_send_to(&send, socket, large, UINT32_MAX, &to), -EMSGSIZE);
    assert_int_equal(trale_udp_try_recv_from(&recv, socket, large, sizeof large), -EAGAIN);
    for (int with_info = 0; with_info < 2; with_info++) {
        assert_int_equal(trale_udp_try_send_to(&send, socket, large, 50000, &to), 50000);
        int64_t n = with_info ? trale_udp_try_recv_info(&recv, socket, large, TOO_LARGE, &info)
                              : trale_udp_try_recv_from(&recv, socket, large, TOO_LARGE);
        assert_int_equal(n, 50000);
        assert_int_equal(recv.length, 50000);
        assert_int_equal(recv.truncated, 0);
    }
    trale_close(runtime);
}

static void test_a_size_of_4_gib_and_more_is_not_cut_to_32_bits(void **state)
{
    (void)state;
    if (TEST_UNDER_VALGRIND)
        return; /* which has bits of its own for each byte of the buffer, and the machine not so much memory */
    check_large("127.0.0.1:0");
    check_large("[::1]:0");
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

static void test_a_group_is_heard_from_the_sources_that_were_chosen(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    uint32_t loopback = if_nametoindex("lo");
    struct trale_address to, group = test_group("232.9.9.9:0"), chosen = test_address("127.0.0.1:0"),
                             other = test_address("127.0.0.2:0");
    struct trale_udp_socket *receiver = open_socket(runtime, "0.0.0.0:0", &to);
    struct trale_udp_socket *senders[] = {open_socket(runtime, "127.0.0.2:0", NULL),
                                          open_socket(runtime, "127.0.0.1:0", NULL)};
    assert_int_equal(trale_udp_join_source_group(receiver, &group, &chosen, loopback), 0);
    assert_int_equal(trale_udp_join_source_group(receiver, &group, &chosen, loopback), -EADDRNOTAVAIL);
    assert_int_equal(trale_udp_leave_source_group(receiver, &group, &other, loopback), -EADDRNOTAVAIL);
    to.v4.sin_addr = group.v4.sin_addr;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(trale_udp_set(senders[i], TRALE_UDP_MULTICAST_INTERFACE, loopback), 0);
        assert_int_equal(try_send(senders[i], &to, i + 1), i + 1);
    }
    assert_int_equal(try_recv(receiver), 2);
    assert_int_equal(try_recv(receiver), -EAGAIN);
    assert_int_equal(trale_udp_leave_source_group(receiver, &group, &chosen, loopback), 0);
    assert_int_equal(try_send(senders[1], &to, 1), 1);
    assert_int_equal(try_recv(receiver), -EAGAIN);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_source_narrows_a_group_that_was_joined_for_all(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    uint32_t loopback = if_nametoindex("lo");
    struct trale_address to, group = test_group("232.9.9.8:0"), chosen = test_address("127.0.0.1:0");
    struct trale_udp_socket *receiver = open_socket(runtime, "0.0.0.0:0", &to);
    struct trale_udp_socket *other = open_socket(runtime, "127.0.0.2:0", NULL);
    to.v4.sin_addr = group.v4.sin_addr;
    assert_int_equal(trale_udp_set(other, TRALE_UDP_MULTICAST_INTERFACE, loopback), 0);
    assert_int_equal(trale_udp_join_group(receiver, &group, loopback), 0);
    assert_int_equal(try_send(other, &to, 1), 1);
    assert_int_equal(try_recv(receiver), 1);
    assert_int_equal(trale_udp_join_source_group(receiver, &group, &chosen, loopback), 0);
    assert_int_equal(try_send(other, &to, 1), 1);
    assert_int_equal(try_recv(receiver), -EAGAIN);
    assert_int_equal(trale_udp_join_group(receiver, &group, loopback), -EADDRINUSE);
    assert_int_equal(trale_udp_leave_group(receiver, &group, loopback), 0);
    assert_int_equal(trale_udp_leave_source_group(receiver, &group, &chosen, loopback), -EINVAL);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_what_is_no_group_or_no_source_is_refused(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_udp_socket *socket = open_socket(runtime, "0.0.0.0:0", NULL);
    struct trale_address group = test_group("232.9.9.9:0"), none = test_address("127.0.0.1:0"),
                         v6 = test_address("[::1]:0");
    assert_int_equal(trale_udp_join_source_group(socket, &none, &none, 0), -EINVAL);
    assert_int_equal(trale_udp_join_source_group(socket, &group, &none, INT32_MAX), -ENODEV);
    assert_int_equal(trale_udp_join_source_group(socket, &group, &v6, 0), -EAFNOSUPPORT);
    assert_int_equal(trale_udp_leave_source_group(socket, &v6, &none, 0), -EAFNOSUPPORT);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_an_ipv6_group_is_joined_for_a_source_and_left(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    uint32_t loopback = if_nametoindex("lo");
    struct trale_udp_socket *socket = open_socket(runtime, "[::]:0", NULL);
    struct trale_address group = test_group("[ff31::9]:0"), source = test_address("[::1]:0");
    assert_int_equal(trale_udp_join_source_group(socket, &group, &source, loopback), 0);
    assert_int_equal(trale_udp_leave_source_group(socket, &group, &source, loopback), 0);
    assert_true(trale_udp_leave_source_group(socket, &group, &source, loopback) < 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_an_ipv4_group_is_joined_on_a_dual_stack_socket(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    uint32_t loopback = if_nametoindex("lo");
    static const char *const groups[] = {"239.86.75.32:0", "[::ffff:239.86.75.32]:0"};
    struct trale_udp_socket *sender = open_socket(runtime, "127.0.0.1:0", NULL);
    assert_int_equal(trale_udp_set(sender, TRALE_UDP_MULTICAST_INTERFACE, loopback), 0);
    for (size_t i = 0; i < 2; i++) {
        struct trale_address local, group = test_group(groups[i]), to = test_group(groups[0]);
        struct trale_udp_socket *receiver = open_socket(runtime, i == 0 ? "[::]:0" : "[::ffff:0.0.0.0]:0", &local);
        to.v4.sin_port = local.v4.sin_port;
        assert_int_equal(trale_udp_set(receiver, TRALE_UDP_MULTICAST_ALL, 0), 0);
        assert_int_equal(try_send(sender, &to, 1), 1);
        assert_int_equal(try_recv(receiver), -EAGAIN);
        assert_int_equal(trale_udp_join_group(receiver, &group, loopback), 0);
        assert_int_equal(trale_udp_join_group(receiver, &group, loopback), -EADDRINUSE);
        assert_int_equal(try_send(sender, &to, 1), 1);
        assert_int_equal(try_recv(receiver), 1);
        assert_int_equal(trale_udp_leave_group(receiver, &group, loopback), 0);
        assert_int_equal(try_send(sender, &to, 1), 1);
        assert_int_equal(try_recv(receiver), -EAGAIN);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_dual_stack_socket_hears_an_ipv4_group_from_a_chosen_source(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    uint32_t loopback = if_nametoindex("lo");
    struct trale_address to, group = test_group("232.9.9.7:0"), source = test_address("127.0.0.1:0"),
                             v6 = test_address("[::1]:0"), mapped = test_address("[::ffff:127.0.0.1]:0");
    struct trale_udp_socket *receiver = open_socket(runtime, "[::]:0", &to);
    struct trale_udp_socket *senders[] = {open_socket(runtime, "127.0.0.2:0", NULL),
                                          open_socket(runtime, "127.0.0.1:0", NULL)};
    assert_int_equal(trale_udp_join_source_group(receiver, &group, &v6, loopback), -EAFNOSUPPORT);
    assert_int_equal(trale_udp_join_source_group(receiver, &group, &mapped, loopback), 0);
    assert_int_equal(trale_udp_join_source_group(receiver, &group, &source, loopback), -EADDRNOTAVAIL);
    group.v4.sin_port = to.v6.sin6_port;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(trale_udp_set(senders[i], TRALE_UDP_MULTICAST_INTERFACE, loopback), 0);
        assert_int_equal(try_send(senders[i], &group, i + 1), i + 1);
    }
    assert_int_equal(try_recv(receiver), 2);
    assert_int_equal(try_recv(receiver), -EAGAIN);
    assert_int_equal(trale_udp_leave_source_group(receiver, &group, &source, loopback), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_socket_that_hears_no_ipv4_joins_no_ipv4_group(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_address group = test_group("232.9.9.6:0"), source = test_address("127.0.0.1:0");
    struct trale_udp_socket *deaf[2] = {NULL, open_socket(runtime, "[::1]:0", NULL)};
    assert_int_equal(trale_udp_open(runtime, "[::]:0", TRALE_UDP_V6_ONLY, &deaf[0]), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(trale_udp_join_group(deaf[i], &group, 0), -EAFNOSUPPORT);
        assert_int_equal(trale_udp_join_source_group(deaf[i], &group, &source, 0), -EAFNOSUPPORT);
        assert_int_equal(trale_udp_leave_group(deaf[i], &group, 0), -EADDRNOTAVAIL);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_too_many_groups_are_refused(void **state)
{
    (void)state;
    struct trale *runtime = open_udp();
    struct trale_udp_socket *socket = open_socket(runtime, "0.0.0.0:0", NULL);
    struct trale_address group = test_address("239.86.0.0:0");
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < 0xffff; i++) {
        group.v4.sin_addr.s_addr = htonl(0xef560000 + i);
        r = trale_udp_join_group(socket, &group, if_nametoindex("lo"));
    }
    assert_int_equal(r, -ENOBUFS);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- sockets that are open already -------------------------------------------------------------------------------- */

static int bound_socket(int family, int type)
{
    struct trale_address local = {.any.sa_family = (sa_family_t)family};
    int fd = socket(family, type, 0);
    if (fd < 0 || (family != AF_UNIX && bind(fd, &local.any, sizeof local) < 0))
        fail_msg("socket: %s", strerror(errno));
    return fd;
}

static void test_an_adopted_socket_is_one_like_any_other(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = open_udp();
    static const struct {
        int family;
        const char *host;
    } samples[] = {{AF_INET, "127.0.0.1:0"}, {AF_INET6, "[::1]:0"}};
    for (size_t i = 0; i < 2; i++) {
        struct trale_udp_socket *adopted, *sender = open_socket(runtime, samples[i].host, NULL);
        struct trale_address local, to = test_address(samples[i].host);
        int fd = bound_socket(samples[i].family, SOCK_DGRAM);
        assert_int_equal(trale_udp_adopt(runtime, fd, &adopted), 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(trale_udp_local(adopted, &local), 0);
        to.v4.sin_port = local.v4.sin_port;
        assert_int_equal(try_recv(adopted), -EAGAIN);
        assert_int_equal(try_send(sender, &to, 7), 7);
        assert_int_equal(try_recv(adopted), 7);
        test_close_socket(runtime, adopted);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_socket_is_adopted_once(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = open_udp();
    struct trale_udp_socket *adopted, *again = NULL;
    int fd = bound_socket(AF_INET, SOCK_DGRAM);
    assert_int_equal(trale_udp_adopt(runtime, fd, &adopted), 0);
    assert_int_equal(trale_udp_adopt(runtime, fd, &again), -EBUSY);
    assert_null(again);
    test_close_socket(runtime, adopted);
    assert_int_equal(dup2(bound_socket(AF_INET, SOCK_DGRAM), fd), fd);
    assert_int_equal(trale_udp_adopt(runtime, fd, &again), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_what_is_no_udp_socket_is_not_adopted_and_left_alone(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = open_udp();
    struct trale_udp_socket *untouched = NULL;
    const struct {
        int fd, error;
    } samples[] = {
        {open("/dev/null", O_RDONLY), -ENOTSOCK},
        {bound_socket(AF_UNIX, SOCK_DGRAM), -EAFNOSUPPORT},
        {bound_socket(AF_INET, SOCK_STREAM), -EPROTOTYPE},
        {-1, -EBADF},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        assert_int_equal(trale_udp_adopt(runtime, samples[i].fd, &untouched), samples[i].error);
        assert_null(untouched);
        if (samples[i].fd >= 0)
            assert_int_equal(close(samples[i].fd), 0);
    }
    assert_int_equal(trale_close(runtime), 0);
}

/* --- inherited, in a process of its own, as the service manager would start it ------------------------------------ */

/* Three sockets and a file stand at fd 3 to 6. Returns the line of what does not hold, or 0. */
#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__;                                                                                           \
    } while (0)

static int inherit_by_name(struct trale *runtime)
{
    struct trale_udp_socket *sockets[3], *none = NULL;
    HOLDS(trale_udp_inherit(runtime, "unknown", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "ech", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "echo:time", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "file", &none) == -ENOTSOCK);
    HOLDS(trale_udp_inherit(runtime, "echo", &sockets[0]) == 0);
    HOLDS(fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(4, F_GETFD) == 0);
    HOLDS(trale_udp_inherit(runtime, "0", &none) == -EBUSY);
    HOLDS(trale_udp_inherit(runtime, "time", &sockets[1]) == 0);
    HOLDS(trale_udp_inherit(runtime, "echo", &sockets[2]) == 0);
    HOLDS(trale_udp_inherit(runtime, "echo", &none) == -EBUSY);
    HOLDS(fcntl(5, F_GETFD) == FD_CLOEXEC);
    HOLDS(none == NULL);
    return 0;
}

static int inherit_by_number(struct trale *runtime)
{
    struct trale_udp_socket *socket, *none = NULL;
    HOLDS(unsetenv("LISTEN_FDNAMES") == 0);
    HOLDS(trale_udp_inherit(runtime, "4", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "-1", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "2", &socket) == 0);
    HOLDS(fcntl(5, F_GETFD) == FD_CLOEXEC && fcntl(3, F_GETFD) == 0);
    HOLDS(none == NULL);
    return 0;
}

/* No list of fds is as long as LISTEN_FDS may say, and no name is looked for beyond the list of names. */
static int inherit_from_many(struct trale *runtime)
{
    struct trale_udp_socket *socket, *none = NULL;
    struct timespec before, after;
    enum { N_NAMES = 50000 };
    static char names[2 * N_NAMES + sizeof "last"];
    HOLDS(setenv("LISTEN_FDS", "2147483000", 1) == 0);
    HOLDS(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before) == 0);
    HOLDS(trale_udp_inherit(runtime, "unknown", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "2147482999", &none) == -EBUSY);
    HOLDS(trale_udp_inherit(runtime, "2147483000", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "time", &socket) == 0);
    for (size_t i = 0; i < N_NAMES; i++)
        memcpy(names + 2 * i, "a:", 2);
    strcpy(names + 2 * N_NAMES, "last");
    HOLDS(setenv("LISTEN_FDNAMES", names, 1) == 0);
    HOLDS(trale_udp_inherit(runtime, "unknown", &none) == -ENOENT);
    HOLDS(trale_udp_inherit(runtime, "last", &none) == -EBUSY);
    HOLDS(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after) == 0);
    HOLDS(after.tv_sec - before.tv_sec <= 1); /* the names one by one, from the first on, take 5 s */
    HOLDS(none == NULL);
    return 0;
}

static int inherit_nonsense(struct trale *runtime)
{
    static const struct {
        const char *name, *value;
        int error;
    } samples[] = {
        {"LISTEN_FDS", "", -EINVAL},
        {"LISTEN_FDS", "three", -EINVAL},
        {"LISTEN_FDS", "99999999999999999999", -EINVAL},
        {"LISTEN_FDS", "2147483647", -EINVAL},
        {"LISTEN_FDS", "0", -ENOENT},
        {"LISTEN_PID", "1x", -EINVAL},
        {"LISTEN_PID", "1", -ENOENT},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char before[32];
        struct trale_udp_socket *none = NULL;
        snprintf(before, sizeof before, "%s", getenv(samples[i].name));
        setenv(samples[i].name, samples[i].value, 1);
        HOLDS(trale_udp_inherit(runtime, "0", &none) == samples[i].error);
        setenv(samples[i].name, before, 1);
    }
    HOLDS(unsetenv("LISTEN_PID") == 0);
    struct trale_udp_socket *none = NULL;
    HOLDS(trale_udp_inherit(runtime, "echo", &none) == -ENOENT);
    return 0;
}

static int run_as_service(int (*service)(struct trale *runtime))
{
    char pid[16];
    for (int fd = 3; fd < 6; fd++)
        dup3(bound_socket(AF_INET, SOCK_DGRAM), fd, 0); /* that may be its own number */
    dup2(open("/dev/null", O_RDONLY), 6);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "4", 1);
    setenv("LISTEN_FDNAMES", "echo:time:echo:file", 1);
    struct trale *runtime = open_udp();
    int line = service(runtime);
    trale_close(runtime);
    return line;
}

static void assert_service(int (*service)(struct trale *runtime))
{
    int status, line = 0, channel[2];
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int out = fcntl(channel[1], F_DUPFD_CLOEXEC, 64);
        line = run_as_service(service);
        _exit(write(out, &line, sizeof line) != sizeof line);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(channel[0], &line, sizeof line), sizeof line);
    close(channel[0]);
    close(channel[1]);
    if (line != 0)
        fail_msg("line %d", line);
}

static void test_inherited_sockets_are_taken_by_name_each_once(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    assert_service(inherit_by_name);
}

static void test_inherited_sockets_are_taken_by_number(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    assert_service(inherit_by_number);
}

static void test_a_long_list_of_inherited_sockets_takes_no_time(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    assert_service(inherit_from_many);
}

static void test_what_was_not_inherited_is_not_touched(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    assert_service(inherit_nonsense);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_try_takes_what_is_there_and_never_waits),
        cmocka_unit_test(test_a_size_of_4_gib_and_more_is_not_cut_to_32_bits),
        cmocka_unit_test(test_a_batch_is_tried_as_far_as_it_goes),
        cmocka_unit_test(test_what_is_behind_an_ipv4_address_is_zero),
        cmocka_unit_test(test_the_traffic_class_is_set_in_both_families),
        cmocka_unit_test(test_a_socket_can_be_bound_to_an_interface),
        cmocka_unit_test(test_what_waits_and_what_was_lost_can_be_read),
        cmocka_unit_test(test_a_group_is_heard_from_the_sources_that_were_chosen),
        cmocka_unit_test(test_a_source_narrows_a_group_that_was_joined_for_all),
        cmocka_unit_test(test_what_is_no_group_or_no_source_is_refused),
        cmocka_unit_test(test_an_ipv6_group_is_joined_for_a_source_and_left),
        cmocka_unit_test(test_an_ipv4_group_is_joined_on_a_dual_stack_socket),
        cmocka_unit_test(test_a_dual_stack_socket_hears_an_ipv4_group_from_a_chosen_source),
        cmocka_unit_test(test_a_socket_that_hears_no_ipv4_joins_no_ipv4_group),
        cmocka_unit_test(test_too_many_groups_are_refused),
        cmocka_unit_test(test_an_adopted_socket_is_one_like_any_other),
        cmocka_unit_test(test_a_socket_is_adopted_once),
        cmocka_unit_test(test_what_is_no_udp_socket_is_not_adopted_and_left_alone),
        cmocka_unit_test(test_inherited_sockets_are_taken_by_name_each_once),
        cmocka_unit_test(test_inherited_sockets_are_taken_by_number),
        cmocka_unit_test(test_a_long_list_of_inherited_sockets_takes_no_time),
        cmocka_unit_test(test_what_was_not_inherited_is_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
