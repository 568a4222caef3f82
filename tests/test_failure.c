/* SPDX-License-Identifier: MIT
 *
 * Opening a runtime when the system says no: whichever allocation or call of the core fails, all of it is undone. The
 * linker hands the core's calls to the functions below (--wrap); leaks are for the sanitizers to find, descriptors are
 * counted here. */
#include "tests/support.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/epoll.h>

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

static int n_open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
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
    int n_fds = n_open_fds(), n_failures = 0;
    for (int at = 1;; at++) {
        runtime = untouched;
        log.length = 0;
        int r = open_with_failure(at, &runtime, &log);
        if (r == 0)
            break;
        if (r != -ENOMEM && r != -EMFILE && r != -ENFILE && r != -EAGAIN)
            fail_msg("call %d: %s", at, strerror(-r));
        if (runtime != untouched || n_open_fds() != n_fds)
            fail_msg("call %d: something is left", at);
        if (log.length == 0)
            fail_msg("call %d: nothing was said", at);
        n_failures++;
    }
    /* It opened because nothing failed any more, and works. */
    assert_in_range(n_failures, 20, 1000);
    assert_int_equal(trale_join(trale_spawn(runtime, nap, .duration_ns = 1)), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_open_fds(), n_fds);
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
    n_adds_allowed = 1; /* not the driver's timerfd */
    assert_int_equal(open_with_failure(0, &runtime, &log), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(trale_join(trale_spawn(runtime, nap, .duration_ns = 100 * TRALE_SECOND)), -ENOSPC);
    assert_non_null(strstr(log.text, "cannot wait for the timerfd"));
    n_adds_allowed = -1;
    assert_int_equal(trale_close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_fails_while_a_runtime_opens_is_undone),
        cmocka_unit_test(test_a_task_that_finds_no_memory_is_refused),
        cmocka_unit_test(test_an_epoll_that_is_full_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
