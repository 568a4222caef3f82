/* SPDX-License-Identifier: MIT
 *
 * What an idle task costs in memory, everything counted. A number here goes up only for a reason. */
#include <sys/resource.h>
#include <sys/wait.h>

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

/* The memory that this process has of its own: tasks in slabs are not of malloc(3), and code does not count. The kernel
 * counts it exactly here, and not in statm. */
static uint64_t own_bytes(void)
{
    char line[256];
    unsigned long long n_kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Anonymous: %llu kB", &n_kib) != 1)
        ;
    fclose(file);
    return n_kib * 1024;
}

/* Measures in a process of its own, where no memory was used and freed before. */
static uint64_t measure_apart(uint64_t (*measure)(bool choice), bool choice)
{
    int ends[2], status = -1;
    uint64_t n_bytes = 0;
    skip_where_memory_is_others();
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        n_bytes = measure(choice);
        _exit(write(ends[1], &n_bytes, sizeof n_bytes) == sizeof n_bytes ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &n_bytes, sizeof n_bytes), sizeof n_bytes);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    return n_bytes;
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
    self->before = own_bytes();
    for (uint64_t i = 0; i < N_SLEEPERS; i++)
        trale_detach(trale_spawn(cx->runtime, sleeper, .second = 3600 * TRALE_SECOND + i * TRALE_MICROSECOND));
    trale_yield(); /* all of them begin to sleep */
    trale_return((int64_t)((own_bytes() - self->before) / N_SLEEPERS));
}

static uint64_t sleeper_bytes(bool unused)
{
    (void)unused;
    struct trale *runtime = test_open("timer", TEST_TIMER);
    int64_t n_bytes = trale_join(trale_spawn(runtime, spawner, .before = 0));
    trale_close(runtime);
    return n_bytes > 0 ? (uint64_t)n_bytes : 0;
}

static void test_a_task_that_sleeps_takes_192_bytes(void **state)
{
    (void)state;
    uint64_t n_bytes = measure_apart(sleeper_bytes, false);
    print_message("%llu bytes for each task that sleeps\n", (unsigned long long)n_bytes);
    assert_in_range(n_bytes, 1, SLEEPER_BYTES_MAX);
}

/* --- datagrams ---------------------------------------------------------------------------------------------------- */

#define N_RECEIVERS 16000u
#define RECEIVER_BYTES_MAX 320u

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

/* All sockets share a port, for there are not so many. */
static int spawn_receivers(struct trale *runtime)
{
    struct trale_address local;
    int r = trale_address_parse("127.0.0.1:0", &local);
    for (uint32_t i = 0; r == 0 && i < N_RECEIVERS; i++) {
        struct trale_udp_socket *socket;
        r = trale_udp_open_at(runtime, &local, TRALE_UDP_REUSE_PORT, &socket);
        if (r == 0 && i == 0)
            r = trale_udp_local(socket, &local);
        if (r == 0)
            trale_detach(trale_spawn(runtime, receiver, .socket = socket));
    }
    return r;
}

struct host {
    struct trale_future future;
    bool spawns;
};

/* Waits until the receivers wait. */
trale_async(host)
{
    trale_begin();
    if (self->spawns && spawn_receivers(cx->runtime) < 0)
        trale_return(-EPROTO);
    trale_yield();
    trale_return(0);
}

/* 0: something has failed. */
static uint64_t receiver_bytes(bool spawned_by_a_task)
{
    struct trale *runtime = test_open("udp", TEST_UDP);
    uint64_t before = own_bytes(), after;
    int64_t r = spawned_by_a_task ? 0 : spawn_receivers(runtime);
    if (r == 0)
        r = trale_join(trale_spawn(runtime, host, .spawns = spawned_by_a_task));
    after = own_bytes();
    trale_close(runtime);
    return r == 0 ? (after - before) / N_RECEIVERS : 0;
}

static void check_receivers(bool spawned_by_a_task)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < N_RECEIVERS + 100 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
        skip();
    uint64_t n_bytes = measure_apart(receiver_bytes, spawned_by_a_task);
    print_message("%llu bytes for each task that waits for a datagram\n", (unsigned long long)n_bytes);
    assert_in_range(n_bytes, 1, RECEIVER_BYTES_MAX);
}

static void test_a_task_that_waits_for_a_datagram_takes_320_bytes(void **state)
{
    (void)state;
    check_receivers(true);
}

static void test_so_does_one_that_another_thread_has_spawned(void **state)
{
    (void)state;
    check_receivers(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_that_sleeps_takes_192_bytes),
        cmocka_unit_test(test_a_task_that_waits_for_a_datagram_takes_320_bytes),
        cmocka_unit_test(test_so_does_one_that_another_thread_has_spawned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
