/* SPDX-License-Identifier: MIT
 *
 * Adopting file descriptors beside many open sockets, of UDP and of streams, in each thread layout. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <trale/stream.h>
#include <trale/stream_socket.h>
#include <trale/udp.h>
#include <trale/udp_socket.h>

#include "tests/support.h"

#define N_MANY 8000
#define N_MEASURED 200

/* One kind of socket; the rest is the same for all. */
struct kind {
    const char *name;
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
    {"UDP sockets", make_udp, adopt_udp, open_udp, close_udp},
    {"listeners", make_listener, adopt_listener, open_listener, close_listener},
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

/* --- a descriptor has one socket ---------------------------------------------------------------------------------- */

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

/* --- what it costs ------------------------------------------------------------------------------------------------ */

static int64_t processor_time_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Adopts one fd more, and makes *least_ns the time of that if it is less. */
static void measure(const struct call *call, int64_t *least_ns)
{
    int fd = call->kind->make();
    int64_t began_ns = processor_time_ns();
    adopted(call, fd);
    int64_t took_ns = processor_time_ns() - began_ns;
    *least_ns = took_ns < *least_ns ? took_ns : *least_ns;
}

/* Both are measured in turns, and the least time of each counts: what else the machine does makes single ones longer.
 * No task runs yet, and so this thread may adopt. */
static void compare(const struct kind *kind)
{
    struct trale *runtimes[2];
    for (size_t i = 0; i < 2; i++)
        runtimes[i] = test_open("timer, udp, stream", TEST_TIMER TEST_UDP TEST_STREAM);
    const struct call few = {runtimes[0], kind}, many = {runtimes[1], kind};
    int64_t few_ns = INT64_MAX, many_ns = INT64_MAX;
    for (int i = 0; i < N_MANY; i++)
        adopted(&many, kind->make());
    for (int i = 0; i < N_MEASURED; i++) {
        measure(&few, &few_ns);
        measure(&many, &many_ns);
    }
    print_message("%s: %lld ns, and %lld ns beside %d\n", kind->name, (long long)few_ns, (long long)many_ns, N_MANY);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(trale_close(runtimes[i]), 0);
    assert_true(many_ns < 2 * few_ns);
}

static void test_an_adoption_beside_thousands_of_sockets_costs_what_one_beside_few_costs(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < N_MANY + 2 * N_MEASURED + 100 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
        skip();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        compare(&kinds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_descriptor_is_adopted_once_whichever_socket_has_it),
        cmocka_unit_test(test_an_adoption_beside_thousands_of_sockets_costs_what_one_beside_few_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
