/* SPDX-License-Identifier: MIT
 *
 * What an idle task costs in memory, everything counted. A number here goes up only for a reason. */
#include <malloc.h>

#include "tests/support.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define HAS_SANITIZER true
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER true
#endif
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER false
#endif

static void skip_where_memory_is_others(void)
{
    if (HAS_SANITIZER || TEST_UNDER_VALGRIND || test_layers() > 0)
        skip();
}

/* What this process has resident, for tasks in slabs are not of malloc(3). */
static uint64_t resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu %llu", &size, &resident), 2);
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- sleeps ------------------------------------------------------------------------------------------------------- */

#define N_SLEEPERS 300000u
#define SLEEPER_BYTES_MAX 192u

/* A frame with two members of its own. */
struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
    void *first;
    uint64_t second;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, self->second));
    trale_return(0);
}

struct spawner {
    struct trale_future future;
    uint64_t before;
};

trale_async(spawner)
{
    trale_begin();
    self->before = resident_bytes();
    for (uint64_t i = 0; i < N_SLEEPERS; i++)
        trale_detach(trale_spawn(cx->runtime, sleeper, .second = 3600 * TRALE_SECOND + i * TRALE_MICROSECOND));
    trale_yield(); /* all of them begin to sleep */
    trale_return((int64_t)((resident_bytes() - self->before) / N_SLEEPERS));
}

static void test_a_task_that_sleeps_takes_192_bytes(void **state)
{
    (void)state;
    skip_where_memory_is_others();
    struct trale *runtime = test_open("timer", "[driver:timer]\npath = timer.so\n");
    int64_t n_bytes = trale_join(trale_spawn(runtime, spawner, .before = 0));
    print_message("%lld bytes for each task that sleeps\n", (long long)n_bytes);
    assert_in_range(n_bytes, 1, SLEEPER_BYTES_MAX);
    trale_close(runtime);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

#define N_RECEIVERS 500u
#define RECEIVER_BYTES_MAX 400u

struct receiver {
    struct trale_future future;
    struct trale_udp_socket *socket;
    struct trale_udp_recv recv;
};
static char buf[32];

trale_async(receiver)
{
    trale_begin();
    trale_await(trale_udp_recv_from(&self->recv, self->socket, buf, sizeof buf));
    trale_return(0);
}

/* Waits until the others wait. */
struct last {
    struct trale_future future;
};

trale_async(last)
{
    trale_begin();
    trale_yield();
    trale_return(0);
}

static void test_a_task_that_waits_for_a_datagram_takes_400_bytes(void **state)
{
    (void)state;
    skip_where_memory_is_others();
    struct trale *runtime = test_open("udp", "[driver:udp]\npath = udp.so\n");
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < N_RECEIVERS; i++) {
        struct trale_udp_socket *socket;
        assert_int_equal(trale_udp_open(runtime, "127.0.0.1:0", 0, &socket), 0);
        trale_detach(trale_spawn(runtime, receiver, .socket = socket));
    }
    assert_int_equal(trale_join(trale_spawn(runtime, last, .future.at = NULL)), 0);
    size_t n_bytes = (mallinfo2().uordblks - before) / N_RECEIVERS;
    print_message("%zu bytes for each task that waits for a datagram\n", n_bytes);
    assert_in_range(n_bytes, 1, RECEIVER_BYTES_MAX);
    trale_close(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_that_sleeps_takes_192_bytes),
        cmocka_unit_test(test_a_task_that_waits_for_a_datagram_takes_400_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
