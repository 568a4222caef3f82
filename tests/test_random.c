/* SPDX-License-Identifier: MIT
 *
 * trale.random/1: random bytes, on any thread. */
#include "tests/support.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <trale/random.h>

#define TEST_RANDOM "[driver:random]\npath = random.so\n"

static int open_random(void **state)
{
    *state = test_open("random", TEST_RANDOM);
    return 0;
}

static void test_every_byte_of_the_buffer_is_filled_and_none_beside_it(void **state)
{
    unsigned char buf[4096 + 2], seen[4096] = {0};
    for (int i = 0; i < 8; i++) {
        memset(buf, 0, sizeof buf);
        assert_int_equal(trale_random_fill(*state, buf + 1, sizeof buf - 2), 0);
        assert_int_equal(buf[0], 0);
        assert_int_equal(buf[sizeof buf - 1], 0);
        for (size_t j = 0; j < sizeof seen; j++)
            seen[j] |= buf[j + 1];
    }
    /* A byte that is 0 eight times is expected once in 2^64. */
    assert_null(memchr(seen, 0, sizeof seen));
}

static void test_bytes_differ_from_call_to_call(void **state)
{
    uint64_t a[2] = {0}, b[2] = {0};
    assert_int_equal(trale_random_fill(*state, a, sizeof a), 0);
    assert_int_equal(trale_random_fill(*state, b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_an_empty_buffer_needs_no_bytes(void **state)
{
    assert_int_equal(trale_random_fill(*state, NULL, 0), 0);
}

static void test_numbers_below_a_limit_are_all_drawn_and_no_others(void **state)
{
    uint64_t n_draws[6] = {0}, number = 0;
    for (int i = 0; i < 6000; i++) {
        assert_int_equal(trale_random_below(*state, 6, &number), 0);
        assert_true(number < 6);
        n_draws[number]++;
    }
    /* 1000 each, with a standard deviation of 29: ten of these are not seen. */
    for (size_t i = 0; i < 6; i++)
        assert_in_range(n_draws[i], 710, 1290);
    assert_int_equal(trale_random_below(*state, 1, &number), 0);
    assert_int_equal(number, 0);
    /* Half of all numbers are left over: a bias would be seen at once. */
    const uint64_t limit = (UINT64_C(1) << 63) + 1;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(trale_random_below(*state, limit, &number), 0);
        assert_true(number < limit);
    }
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) {
        assert_int_equal(trale_random_below(*state, 0, &number), 0);
        bits |= number;
    }
    assert_int_equal(bits, UINT64_MAX);
}

static void test_without_a_driver_nothing_is_drawn(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    uint64_t number = 42;
    assert_int_equal(trale_random_fill(runtime, &number, sizeof number), -ENODEV);
    assert_int_equal(trale_random_below(runtime, 2, &number), -ENODEV);
    assert_int_equal(number, 42);
    trale_close(runtime);
}

static void *draw(void *runtime)
{
    uint64_t number;
    for (int i = 0; i < 1000; i++)
        if (trale_random_below(runtime, 0, &number) < 0)
            return NULL;
    return runtime;
}

static void test_threads_draw_at_once(void **state)
{
    pthread_t threads[4];
    void *result;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw, *state), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, *state);
    }
}

static void test_the_default_configuration_has_random_bytes(void **state)
{
    (void)state;
    struct trale *runtime;
    uint64_t number;
    test_use_built_in_config();
    assert_int_equal(trale_open(&runtime, NULL), 0);
    assert_int_equal(trale_random_below(runtime, 10, &number), 0);
    trale_close(runtime);
}

/* The system call answers 0 from now on, and fills nothing. */
static int stop_getrandom(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static int open_without_getrandom(void)
{
    struct trale *runtime;
    if (stop_getrandom() < 0)
        return 77;
    return trale_open(&runtime, &(struct trale_options){.config_text = "[runtime]\ndrivers = random\n" TEST_RANDOM}) ==
                   -EIO
               ? 0
               : 1;
}

static void test_a_kernel_that_gives_no_bytes_is_an_error(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(open_without_getrandom());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_the_buffer_is_filled_and_none_beside_it),
        cmocka_unit_test(test_bytes_differ_from_call_to_call),
        cmocka_unit_test(test_an_empty_buffer_needs_no_bytes),
        cmocka_unit_test(test_numbers_below_a_limit_are_all_drawn_and_no_others),
        cmocka_unit_test(test_threads_draw_at_once),
        cmocka_unit_test(test_without_a_driver_nothing_is_drawn),
        cmocka_unit_test(test_the_default_configuration_has_random_bytes),
        cmocka_unit_test(test_a_kernel_that_gives_no_bytes_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_random, test_close_runtime);
}
