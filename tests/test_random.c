/* SPDX-License-Identifier: MIT
 *
 * trale.random/1: random bytes, on any thread. */
#include "tests/support.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/random.h>
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
    TEST_REAL_ONLY("another thread has no part in a simulation");
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

/* --- the driver, without a runtime -------------------------------------------------------------------------------- */

/* What the next calls answer: a number of bytes, or a negative errno; 0, the end, is as many bytes as are asked for. */
static const int *answers;
static char next_byte;

ssize_t __wrap_getrandom(void *buf, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *buf, size_t size, unsigned flags)
{
    int answer = *answers;
    assert_true((flags & GRND_NONBLOCK) != 0);
    if (answer != 0)
        answers++;
    if (answer < 0) {
        errno = -answer;
        return -1;
    }
    size_t n = answer > 0 && (size_t)answer < size ? (size_t)answer : size;
    for (size_t i = 0; i < n; i++)
        ((char *)buf)[i] = next_byte++;
    return (ssize_t)n;
}

extern const struct trale_driver trale_driver;

static struct test_log messages;

static void host_log(void *context, uint32_t level, const char *message)
{
    test_log_write(context, level, "random", message);
}

/* Starts the driver; its first calls answer so. */
static int driver_start(const int *first_answers, void **instance)
{
    static const struct trale_host host = {
        .size = sizeof host, .abi = TRALE_ABI, .context = &messages, .log = host_log};
    const struct trale_settings settings = {.size = sizeof settings, .abi = TRALE_ABI};
    messages = (struct test_log){.length = 0};
    answers = first_answers;
    next_byte = 0;
    return trale_driver.start(&host, &settings, instance);
}

static const struct trale_random *table_of(void *instance)
{
    return (const struct trale_random *)(const void *)trale_driver.interface(instance, "trale.random/1");
}

static void test_calls_that_signals_interrupt_go_on_where_they_stopped(void **state)
{
    (void)state;
    void *instance;
    unsigned char buf[300];
    const int at_start[] = {-EINTR, -EINTR, 0}, later[] = {-EINTR, 7, -EINTR, -EINTR, 1, 256, -EINTR, 0};
    assert_int_equal(driver_start(at_start, &instance), 0);
    assert_string_equal(messages.text, "");
    answers = later;
    next_byte = 0;
    memset(buf, 0xff, sizeof buf);
    assert_int_equal(table_of(instance)->fill(instance, buf, sizeof buf), 0);
    for (size_t i = 0; i < sizeof buf; i++)
        assert_int_equal(buf[i], (unsigned char)i);
    assert_int_equal(*answers, 0);
    trale_driver.stop(instance);
}

static void test_calls_fail_until_the_kernel_has_random_bytes(void **state)
{
    (void)state;
    void *instance;
    char buf[8];
    const int early[] = {-EAGAIN, -EAGAIN, -EINTR, -EAGAIN, 0};
    assert_int_equal(driver_start(early, &instance), 0);
    assert_string_equal(messages.text, "1 random: the kernel has no random bytes yet: until it has, calls fail\n");
    const struct trale_random *table = table_of(instance);
    assert_int_equal(table->fill(instance, buf, sizeof buf), -EAGAIN);
    assert_int_equal(table->fill(instance, buf, sizeof buf), -EAGAIN);
    assert_int_equal(table->fill(instance, buf, sizeof buf), 0);
    trale_driver.stop(instance);
}

static void test_a_kernel_without_the_system_call_is_an_error(void **state)
{
    (void)state;
    void *instance = NULL;
    const int absent[] = {-ENOSYS, 0};
    assert_int_equal(driver_start(absent, &instance), -ENOSYS);
    assert_null(instance);
    assert_string_equal(messages.text, "0 random: getrandom failed\n");
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
        cmocka_unit_test(test_calls_that_signals_interrupt_go_on_where_they_stopped),
        cmocka_unit_test(test_calls_fail_until_the_kernel_has_random_bytes),
        cmocka_unit_test(test_a_kernel_without_the_system_call_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_random, test_close_runtime);
}
