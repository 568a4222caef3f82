/* SPDX-License-Identifier: MIT
 *
 * Adopting file descriptors of UDP and of streams, in each thread layout. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <trale/stream.h>
#include <trale/stream_socket.h>
#include <trale/udp.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

/* One kind of socket; the rest is the same for all. */
struct kind {
    int (*make)(void); /* an fd that can be adopted */
    int (*adopt)(struct trale *runtime, int fd, void **socket);
    int (*open)(struct trale *runtime, void **socket); /* the driver makes the fd */
    void (*close)(void *socket);
};

static int make_udp(void)
{
    const struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&local, sizeof local), 0);
    return fd;
}

/* A listener with a name that the kernel chooses. */
static int make_listener(void)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &local, sizeof local.sa_family), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static int adopt_udp(struct trale *runtime, int fd, void **socket)
{
    return trale_udp_adopt(runtime, fd, (struct trale_udp_socket **)(void *)socket);
}

static int adopt_listener(struct trale *runtime, int fd, void **socket)
{
    return trale_stream_adopt_listener(runtime, fd, (struct trale_stream_listener **)(void *)socket);
}

static int open_udp(struct trale *runtime, void **socket)
{
    return trale_udp_open(runtime, "127.0.0.1:0", 0, (struct trale_udp_socket **)(void *)socket);
}

static int open_listener(struct trale *runtime, void **socket)
{
    return trale_stream_listen(runtime, "127.0.0.1:0", 0, (struct trale_stream_listener **)(void *)socket);
}

static void close_udp(void *socket)
{
    trale_udp_close(socket);
}

static void close_listener(void *socket)
{
    trale_stream_close_listener(socket);
}

static const struct kind kinds[] = {
    {make_udp, adopt_udp, open_udp, close_udp},
    {make_listener, adopt_listener, open_listener, close_listener},
};

struct call {
    struct trale *runtime;
    const struct kind *kind;
};

static void for_each_kind(void (*body)(void *call))
{
    struct trale *runtime = test_open("timer, udp, stream", TEST_TIMER TEST_UDP TEST_STREAM);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct call call = {runtime, &kinds[i]};
        test_call_in_task(runtime, body, &call);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void *adopted(const struct call *call, int fd)
{
    void *socket = NULL;
    assert_int_equal(call->kind->adopt(call->runtime, fd, &socket), 0);
    return socket;
}

static void refused(const struct call *call, int fd)
{
    void *untouched = NULL;
    assert_int_equal(call->kind->adopt(call->runtime, fd, &untouched), -EBUSY);
    assert_null(untouched);
}

/* The fd that the next socket gets. No other thread opens one. */
static int next_fd(void)
{
    int fd = dup(0);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void adopts_once(void *data)
{
    const struct call *call = data;
    const struct kind *kind = call->kind;
    void *early, *late;
    const int early_fd = next_fd();
    assert_int_equal(kind->open(call->runtime, &early), 0);
    refused(call, early_fd); /* opened before the first adoption */
    const int late_fd = next_fd();
    assert_int_equal(kind->open(call->runtime, &late), 0);
    refused(call, late_fd); /* and behind it */
    int fd = kind->make(), high_fd = fcntl(fd, F_DUPFD, 900);
    assert_true(high_fd >= 900);
    void *socket = adopted(call, fd);
    refused(call, fd);
    void *high = adopted(call, high_fd); /* another number of the same socket: each is closed once */
    refused(call, high_fd);
    refused(call, early_fd);
    kind->close(socket);
    kind->close(high);
    kind->close(early);
    assert_int_equal(kind->make(), early_fd); /* the numbers are used again */
    socket = adopted(call, early_fd);
    refused(call, early_fd);
    refused(call, late_fd);
    kind->close(socket);
    kind->close(late);
}

static void test_a_descriptor_is_adopted_once_whichever_socket_has_it(void **state)
{
    (void)state;
    for_each_kind(adopts_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_descriptor_is_adopted_once_whichever_socket_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
