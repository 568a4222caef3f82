/* SPDX-License-Identifier: MIT
 *
 * What happens when the system refuses: whichever allocation or call of the core fails while a runtime opens, all of it
 * is undone, and what fails later works again when there is room. The linker redirects the core's calls to the
 * functions below (--wrap); sanitizers find leaks of memory, descriptors are counted here. */
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <trale/signal.h>

#include "tests/support.h"

/* The call that fails, counted from 1 on the thread that opens; 0: none. */
static _Thread_local int n_calls, n_fails_at;

static bool fails(int error)
{
    errno = error;
    return ++n_calls == n_fails_at;
}

#define WRAP(type, name, parameters, arguments, error, failed)                                                         \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        return fails(error) ? failed : __real_##name arguments;                                                        \
    }

WRAP(void *, malloc, (size_t size), (size), ENOMEM, NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), ENOMEM, NULL)
WRAP(void *, reallocarray, (void *old, size_t n, size_t size), (old, n, size), ENOMEM, NULL)
WRAP(char *, strdup, (const char *text), (text), ENOMEM, NULL)
WRAP(char *, strndup, (const char *text, size_t size), (text, size), ENOMEM, NULL)
WRAP(char *, realpath, (const char *path, char *resolved), (path, resolved), ENOMEM, NULL)
WRAP(int, epoll_create1, (int flags), (flags), EMFILE, -1)
WRAP(int, eventfd, (unsigned value, int flags), (value, flags), ENFILE, -1)
WRAP(int, pthread_create, (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data),
     (thread, attributes, run, data), EAGAIN, EAGAIN)

/* Of those that add an fd to epoll, how many more do; fewer than 0: all. */
static _Atomic int n_adds_allowed = -1;

int __real_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
    if (operation != EPOLL_CTL_ADD || n_adds_allowed < 0 || n_adds_allowed-- > 0)
        return __real_epoll_ctl(epoll_fd, operation, fd, event);
    n_adds_allowed = 0;
    errno = ENOSPC;
    return -1;
}

static char text[1024];

static int open_with_failure(int at, struct trale **runtime, struct test_log *log)
{
    const struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = log};
    n_calls = 0;
    n_fails_at = at;
    int r = trale_open(runtime, &options);
    n_fails_at = 0;
    return r;
}

struct nap {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t duration_ns;
};

trale_async(nap)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, self->duration_ns));
    trale_return(trale_result());
}

static void test_whatever_fails_while_a_runtime_opens_is_undone(void **state)
{
    (void)state;
    struct trale *const untouched = (struct trale *)text;
    struct test_log log = {0};
    snprintf(text, sizeof text, "[runtime]\ndrivers = timer, udp\nthreads = %d\ndrivers_folder = %s\n%s%s",
             test_threads(), TEST_DRIVERS, TEST_TIMER, TEST_UDP);
    struct trale *runtime = untouched;
    assert_int_equal(open_with_failure(0, &runtime, &log), 0); /* what stays mapped is mapped from here on */
    assert_int_equal(trale_close(runtime), 0);
    int n_fds = test_count_fds(), n_failures = 0;
    for (int at = 1;; at++) {
        runtime = untouched;
        log.length = 0;
        int r = open_with_failure(at, &runtime, &log);
        if (r == 0)
            break;
        if (r != -ENOMEM && r != -EMFILE && r != -ENFILE && r != -EAGAIN)
            fail_msg("call %d: %s", at, strerror(-r));
        if (runtime != untouched || test_count_fds() != n_fds)
            fail_msg("call %d: something is left", at);
        if (log.length == 0)
            fail_msg("call %d: nothing was said", at);
        n_failures++;
    }
    /* It opened because nothing failed any more, and works. */
    assert_in_range(n_failures, 20, 1000);
    assert_int_equal(trale_join(trale_spawn(runtime, nap, .duration_ns = 1)), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(test_count_fds(), n_fds);
}

/* What had been opened of it is closed again. */
static void test_whatever_fails_while_a_group_opens_is_undone(void **state)
{
    (void)state;
    struct trale_group *const untouched = (struct trale_group *)text, *group = untouched;
    struct test_log log = {0};
    const struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, udp\nthreads = %d\ndrivers_folder = %s\ninstances = 2\n%s%s", test_threads(),
             TEST_DRIVERS, TEST_TIMER, TEST_UDP);
    assert_int_equal(trale_group_open(&group, &options), 0); /* what stays mapped is mapped from here on */
    assert_int_equal(trale_group_close(group), 0);
    int n_fds = test_count_fds(), n_failures = 0;
    for (;; n_failures++) {
        group = untouched;
        log = (struct test_log){0};
        n_calls = 0;
        n_fails_at = n_failures + 1;
        int r = trale_group_open(&group, &options);
        n_fails_at = 0;
        if (r == 0)
            break;
        if (group != untouched || test_count_fds() != n_fds)
            fail_msg("call %d: something is left", n_failures + 1);
        if (strncmp(log.text, "0 ", 2) != 0 && strstr(log.text, "\n0 ") == NULL)
            fail_msg("call %d: no error was said: %s", n_failures + 1, log.text);
    }
    assert_in_range(n_failures, 40, 2000);
    assert_int_equal(trale_group_close(group), 0);
    assert_int_equal(test_count_fds(), n_fds);
}

static void test_a_task_that_finds_no_memory_is_refused(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime;
    assert_int_equal(open_with_failure(0, &runtime, &log), 0);
    n_calls = 0;
    n_fails_at = 1;
    struct trale_task *task = trale_spawn(runtime, nap, .duration_ns = 1);
    n_fails_at = 0;
    assert_null(task);
    assert_int_equal(trale_join(task), -ENOMEM);
    trale_abort(task);
    trale_detach(task);
    assert_int_equal(trale_run(runtime), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_an_epoll_that_is_full_is_told(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime = NULL;
    n_adds_allowed = 0; /* not the runtime's own eventfd */
    assert_int_equal(open_with_failure(0, &runtime, &log), -ENOSPC);
    assert_non_null(strstr(log.text, "cannot open a runtime: No space left on device"));
    n_adds_allowed = -1;
}

static int count(const char *text_, const char *part)
{
    int n = 0;
    for (; (text_ = strstr(text_, part)) != NULL; text_++)
        n++;
    return n;
}

static void test_sleeps_fail_while_epoll_is_full_and_no_longer(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime = NULL;
    struct trale_task *tasks[2];
    n_adds_allowed = 1; /* the runtime's own eventfd, and not the driver's timerfd */
    assert_int_equal(open_with_failure(0, &runtime, &log), 0);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2; j++)
            tasks[j] = trale_spawn(runtime, nap, .duration_ns = 100 * TRALE_SECOND);
        for (int j = 0; j < 2; j++)
            assert_int_equal(trale_join(tasks[j]), -ENOSPC);
    }
    assert_int_equal(count(log.text, "cannot wait for the timerfd"), 1);
    n_adds_allowed = -1;
    for (int i = 0; i < 3; i++)
        assert_int_equal(trale_join(trale_spawn(runtime, nap, .duration_ns = TRALE_MILLISECOND)), 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void describe_with_signals(void)
{
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer, signal\nthreads = %d\ndrivers_folder = %s\n%s[driver:signal]\n"
             "path = signal.so\nsignals = USR1\n",
             test_threads(), TEST_DRIVERS, TEST_TIMER);
}

static int64_t await_usr1(struct trale *runtime)
{
    struct trale_signal signal;
    return trale_block_on(runtime, trale_signal(&signal, SIGUSR1));
}

static void test_waits_for_signals_fail_while_epoll_is_full_and_no_longer(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime = NULL;
    describe_with_signals();
    n_adds_allowed = 1;
    assert_int_equal(open_with_failure(0, &runtime, &log), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(await_usr1(runtime), -ENOSPC);
    assert_int_equal(count(log.text, "cannot wait for the signalfd"), 1);
    n_adds_allowed = -1;
    for (int i = 0; i < 3; i++) {
        kill(getpid(), SIGUSR1);
        assert_int_equal(await_usr1(runtime), SIGUSR1);
    }
    assert_int_equal(trale_close(runtime), 0);
}

/* Whichever allocation of the first waits fails: what comes after it succeeds. On threads of the runtime's nothing
 * fails here; with threads = 0 there is none. */
static void test_drivers_recover_when_memory_is_back(void **state)
{
    (void)state;
    struct test_log log = {0};
    int64_t slept = -ENOMEM, signalled = -ENOMEM;
    describe_with_signals();
    for (int at = 1; slept == -ENOMEM || signalled == -ENOMEM; at++) {
        struct trale *runtime = NULL;
        struct trale_sleep sleep;
        assert_true(at < 100);
        log = (struct test_log){0};
        assert_int_equal(open_with_failure(0, &runtime, &log), 0);
        n_calls = 0;
        n_fails_at = at;
        slept = trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND));
        kill(getpid(), SIGUSR1);
        signalled = await_usr1(runtime);
        n_fails_at = 0;
        assert_true(slept == 0 || slept == -ENOMEM);
        assert_true(signalled == SIGUSR1 || signalled == -ENOMEM);
        if (signalled == -ENOMEM)
            assert_int_equal(await_usr1(runtime), SIGUSR1);
        kill(getpid(), SIGUSR1);
        assert_int_equal(await_usr1(runtime), SIGUSR1);
        assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
        assert_int_equal(trale_close(runtime), 0);
    }
}

struct opener {
    struct trale_future future;
    struct trale_sleep sleep;
    uint32_t clock;
};

trale_async(opener)
{
    trale_begin();
    trale_await(trale_sleep_on(&self->sleep, self->clock, trale_now_on(cx->runtime, self->clock) + 1, 0));
    trale_return(trale_result());
}

/* Uses up all descriptors, and returns the last that it got. */
static int take_all_fds(int fds[64])
{
    struct rlimit limit = {.rlim_cur = (rlim_t)test_count_fds() + 32, .rlim_max = 4096};
    int n = 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)test_count_fds() + 16;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (n < 64 && (fds[n] = dup(0)) >= 0)
        n++;
    assert_int_equal(errno, EMFILE);
    return n;
}

static void test_a_clock_that_cannot_be_opened_is_told_and_opened_later(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime = NULL;
    struct rlimit limit;
    int fds[64];
    snprintf(text, sizeof text, "[runtime]\ndrivers = timer\nthreads = %d\ndrivers_folder = %s\n%s", test_threads(),
             TEST_DRIVERS, TEST_TIMER);
    assert_int_equal(open_with_failure(0, &runtime, &log), 0);
    assert_int_equal(trale_join(trale_spawn(runtime, nap, .duration_ns = 1)), 0);
    getrlimit(RLIMIT_NOFILE, &limit);
    int n = take_all_fds(fds);
    struct trale *refused = runtime;
    assert_int_equal(trale_join(trale_spawn(runtime, opener, .clock = TRALE_CLOCK_BOOTTIME)), -EMFILE);
    assert_int_equal(trale_join(trale_spawn(runtime, opener, .clock = TRALE_CLOCK_MONOTONIC)), 0);
    while (n-- > 0)
        close(fds[n]);
    /* A runtime needs more descriptors than the one of its clock. */
    n = take_all_fds(fds);
    close(fds[--n]);
    close(fds[--n]);
    assert_int_equal(open_with_failure(0, &refused, &log), -EMFILE);
    assert_ptr_equal(refused, runtime);
    while (n-- > 0)
        close(fds[n]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(trale_join(trale_spawn(runtime, opener, .clock = TRALE_CLOCK_BOOTTIME)), 0);
    assert_int_equal(trale_close(runtime), 0);
}

/* --- interrupts --------------------------------------------------------------------------------------------------- */

static _Atomic int n_reads_interrupted;

ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size)
{
    if (n_reads_interrupted <= 0 || n_reads_interrupted-- <= 0)
        return __real_read(fd, buf, size);
    errno = EINTR;
    return -1;
}

static void test_closing_counts_interrupts_although_its_reads_are_interrupted(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime = NULL;
    assert_int_equal(open_with_failure(0, &runtime, &log), 0);
    /* Each of these finds the executor asleep, where it has a thread, and interrupts it. */
    for (int i = 0; i < 5; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        assert_int_equal(trale_join(trale_spawn(runtime, nap, .duration_ns = 0)), 0);
    }
    n_reads_interrupted = 3;
    assert_int_equal(trale_close(runtime), 0);
    n_reads_interrupted = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_fails_while_a_runtime_opens_is_undone),
        cmocka_unit_test(test_whatever_fails_while_a_group_opens_is_undone),
        cmocka_unit_test(test_a_task_that_finds_no_memory_is_refused),
        cmocka_unit_test(test_an_epoll_that_is_full_is_told),
        cmocka_unit_test(test_sleeps_fail_while_epoll_is_full_and_no_longer),
        cmocka_unit_test(test_waits_for_signals_fail_while_epoll_is_full_and_no_longer),
        cmocka_unit_test(test_drivers_recover_when_memory_is_back),
        cmocka_unit_test(test_a_clock_that_cannot_be_opened_is_told_and_opened_later),
        cmocka_unit_test(test_closing_counts_interrupts_although_its_reads_are_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
