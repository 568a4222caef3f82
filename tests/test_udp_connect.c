/* SPDX-License-Identifier: MIT
 *
 * What a disconnect leaves of a socket. No task runs, so the test's thread may use the sockets. */
#include <linux/filter.h>
#include <net/if.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <trale/udp_socket.h>

#include "tests/support.h"

/* --- connect(2): what arrives between a disconnect and what follows it -------------------------------------------- */

static struct {
    int fd; /* sends, right after the next disconnect; 0: nothing is sent */
    struct trale_address to;
    int n_sent;
} meanwhile;

/* The program's definition stands before libc's for the driver too. */
int test_connect(int fd, const struct sockaddr *peer, socklen_t size) __asm__("connect");
int test_connect(int fd, const struct sockaddr *peer, socklen_t size)
{
    int r = (int)syscall(SYS_connect, fd, peer, size);
    if (r == 0 && peer->sa_family == AF_UNSPEC && meanwhile.fd > 0)
        meanwhile.n_sent += sendto(meanwhile.fd, "x", 1, 0, &meanwhile.to.any, sizeof meanwhile.to.v4) == 1;
    return r;
}

/* --- setsockopt(2): an interface that is gone --------------------------------------------------------------------- */

static bool interface_is_gone;

int test_setsockopt(int fd, int level, int name, const void *value, socklen_t size) __asm__("setsockopt");
int test_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (interface_is_gone && level == SOL_SOCKET && name == 62 /* SO_BINDTOIFINDEX */) {
        errno = ENODEV;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static const struct trale_address none;

static struct trale_udp_socket *open_socket(struct trale *runtime, const char *address)
{
    struct trale_udp_socket *socket = NULL;
    assert_int_equal(trale_udp_open(runtime, address, 0, &socket), 0);
    return socket;
}

static struct trale_address local_of(struct trale_udp_socket *socket)
{
    struct trale_address local;
    assert_int_equal(trale_udp_local(socket, &local), 0);
    return local;
}

static int64_t option_of(struct trale_udp_socket *socket, uint32_t option)
{
    int64_t value = -1;
    assert_int_equal(trale_udp_get(socket, option, &value), 0);
    return value;
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

/* A free port, named so that the socket has chosen it itself and not the kernel. */
static struct trale_udp_socket *open_at_port(struct trale *runtime, struct trale_udp_socket *chosen_by_kernel)
{
    struct trale_address local = local_of(chosen_by_kernel);
    struct trale_udp_socket *socket = NULL;
    trale_udp_close(chosen_by_kernel);
    assert_int_equal(trale_udp_open_at(runtime, &local, 0, &socket), 0);
    return socket;
}

static struct trale_udp_socket *open_one_of_two(struct trale *runtime, const char *address, bool named_port)
{
    struct trale_udp_socket *socket = open_socket(runtime, address);
    return named_port ? open_at_port(runtime, socket) : socket;
}

/* --- disconnects -------------------------------------------------------------------------------------------------- */

static void test_a_disconnected_socket_is_bound_to_its_interface_and_port_as_before(void **state)
{
    (void)state;
    struct trale *runtime = test_open("udp", TEST_UDP);
    int64_t loopback = if_nametoindex("lo");
    struct trale_udp_socket *other = open_socket(runtime, "127.0.0.1:0");
    struct trale_address other_address = local_of(other);
    for (int named_port = 0; named_port <= 1; named_port++)
        for (int connected = 0; connected <= 1; connected++) {
            struct trale_udp_socket *socket = open_one_of_two(runtime, "127.0.0.1:0", named_port);
            struct trale_address before = local_of(socket), after;
            assert_int_equal(trale_udp_set(socket, TRALE_UDP_INTERFACE, loopback), 0);
            if (connected)
                assert_int_equal(trale_udp_connect(socket, &other_address), 0);
            assert_int_equal(trale_udp_connect(socket, &none), 0);
            after = local_of(socket);
            assert_memory_equal(&after, &before, sizeof before);
            assert_int_equal(option_of(socket, TRALE_UDP_INTERFACE), loopback);
            assert_int_equal(trale_udp_peer(socket, &after), -ENOTCONN);
            assert_int_equal(try_send(other, &before, 3), 3);
            assert_int_equal(try_recv(socket), 3);
        }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_nothing_is_heard_until_the_interface_is_restored(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *other = open_socket(runtime, "127.0.0.1:0");
    struct trale_udp_socket *socket = open_one_of_two(runtime, "127.0.0.1:0", true);
    struct trale_address peer = local_of(other), local = local_of(socket);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_INTERFACE, if_nametoindex("lo")), 0);
    assert_int_equal(trale_udp_connect(socket, &peer), 0);
    meanwhile.fd = (int)syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    meanwhile.to = local;
    assert_int_equal(trale_udp_connect(socket, &none), 0);
    close(meanwhile.fd);
    meanwhile.fd = 0;
    assert_int_equal(meanwhile.n_sent, 1);
    assert_int_equal(try_recv(socket), -EAGAIN);
    assert_int_equal(try_send(other, &local, 5), 5);
    assert_int_equal(try_recv(socket), 5);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_socket_whose_interface_is_gone_is_not_opened_to_all(void **state)
{
    (void)state;
    TEST_REAL_ONLY("no system call is made that could fail, or be interrupted");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *other = open_socket(runtime, "127.0.0.1:0");
    struct trale_udp_socket *socket = open_one_of_two(runtime, "127.0.0.1:0", true);
    struct trale_address peer = local_of(other), local = local_of(socket);
    assert_int_equal(trale_udp_set(socket, TRALE_UDP_INTERFACE, if_nametoindex("lo")), 0);
    assert_int_equal(trale_udp_connect(socket, &peer), 0);
    interface_is_gone = true;
    assert_int_equal(trale_udp_connect(socket, &none), -ENODEV);
    interface_is_gone = false;
    assert_int_equal(try_send(other, &local, 5), 5);
    assert_int_equal(try_recv(socket), -EAGAIN);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_socket_with_a_filter_keeps_its_peer_or_its_interface_would_be_lost(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *adopted, *other = open_socket(runtime, "127.0.0.1:0");
    struct trale_address peer = local_of(other), found;
    struct trale_address local = {.v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    struct sock_filter all = {.code = BPF_RET | BPF_K, .k = UINT32_MAX};
    struct sock_fprog filter = {1, &all};
    int64_t loopback = if_nametoindex("lo");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, &local.any, sizeof local.v4), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
    assert_int_equal(trale_udp_adopt(runtime, fd, &adopted), 0);
    assert_int_equal(trale_udp_connect(adopted, &peer), 0);
    assert_int_equal(trale_udp_connect(adopted, &none), 0);
    assert_int_equal(trale_udp_set(adopted, TRALE_UDP_INTERFACE, loopback), 0);
    assert_int_equal(trale_udp_connect(adopted, &peer), 0);
    assert_int_equal(trale_udp_connect(adopted, &none), -EOPNOTSUPP);
    assert_int_equal(trale_udp_peer(adopted, &found), 0);
    assert_memory_equal(&found, &peer, sizeof peer);
    assert_int_equal(option_of(adopted, TRALE_UDP_INTERFACE), loopback);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- IPv6 --------------------------------------------------------------------------------------------------------- */

static void test_an_ipv6_socket_keeps_its_peer_or_it_would_stay_deaf_to_others(void **state)
{
    (void)state;
    static const struct {
        const char *local, *peer, *other_peer;
    } cases[] = {{"[::1]:0", "[::1]:0", "[::1]:0"},
                 {"[::]:0", "[::1]:0", "[::1]:0"},
                 {"[::]:0", "127.0.0.1:0", "127.0.0.2:0"},
                 {"[::]:0", "[::ffff:127.0.0.1]:0", "[::ffff:127.0.0.2]:0"}};
    struct trale *runtime = test_open("udp", TEST_UDP);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trale_udp_socket *socket = open_socket(runtime, cases[i].local);
        struct trale_udp_socket *peers[2] = {open_socket(runtime, cases[i].peer),
                                             open_socket(runtime, cases[i].other_peer)};
        struct trale_address before = local_of(socket), after;
        assert_int_equal(trale_udp_connect(socket, &none), 0);
        after = local_of(socket);
        assert_memory_equal(&after, &before, sizeof before);
        for (size_t k = 0; k < 2; k++) {
            struct trale_address peer = local_of(peers[k]);
            struct trale_udp_send send;
            assert_int_equal(trale_udp_connect(socket, &peer), 0);
            assert_int_equal(trale_udp_connect(socket, &none), -EOPNOTSUPP);
            assert_int_equal(trale_udp_peer(socket, &after), 0);
            assert_int_equal(after.v4.sin_port, peer.v4.sin_port);
            assert_int_equal(trale_udp_try_send(&send, socket, "peer", 4), 4);
            assert_int_equal(try_recv(peers[k]), 4);
        }
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void test_an_adopted_ipv6_socket_that_is_connected_keeps_its_peer(void **state)
{
    (void)state;
    TEST_REAL_ONLY("a socket has no file descriptor, so none is adopted or inherited");
    struct trale *runtime = test_open("udp", TEST_UDP);
    struct trale_udp_socket *adopted, *other = open_socket(runtime, "[::1]:0");
    struct trale_address peer = local_of(other), found;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    assert_int_equal(connect(fd, &peer.any, sizeof peer.v6), 0);
    assert_int_equal(trale_udp_adopt(runtime, fd, &adopted), 0);
    assert_int_equal(trale_udp_connect(adopted, &none), -EOPNOTSUPP);
    assert_int_equal(trale_udp_peer(adopted, &found), 0);
    assert_memory_equal(&found, &peer, sizeof peer);
    assert_int_equal(trale_close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disconnected_socket_is_bound_to_its_interface_and_port_as_before),
        cmocka_unit_test(test_nothing_is_heard_until_the_interface_is_restored),
        cmocka_unit_test(test_a_socket_whose_interface_is_gone_is_not_opened_to_all),
        cmocka_unit_test(test_a_socket_with_a_filter_keeps_its_peer_or_its_interface_would_be_lost),
        cmocka_unit_test(test_an_ipv6_socket_keeps_its_peer_or_it_would_stay_deaf_to_others),
        cmocka_unit_test(test_an_adopted_ipv6_socket_that_is_connected_keeps_its_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
