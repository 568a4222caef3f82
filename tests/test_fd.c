/* SPDX-License-Identifier: MIT
 *
 * Tasks that wait for fds of the application, in each thread layout. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <trale/fd.h>

#include "tests/support.h"

#define ALL (TRALE_READABLE | TRALE_WRITABLE | TRALE_FAILING | TRALE_PRIORITY_DATA)

static void pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void forget_and_close(struct trale *runtime, const int fds[2])
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(trale_fd_forget(runtime, fds[i]), 0);
        close(fds[i]);
    }
}

static void put(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

/* Waits once, and returns what it has found. */
struct waiter {
    struct trale_future future;
    int fd;
    uint32_t interest;
    _Atomic bool *waits; /* set before it waits, unless it is NULL */
    struct trale_fd_wait wait;
};

trale_async(waiter)
{
    trale_begin();
    if (self->waits != NULL)
        *self->waits = true;
    trale_await(trale_fd_wait(&self->wait, self->fd, self->interest));
    trale_return(trale_result());
}

static int64_t wait_for(struct trale *runtime, int fd, uint32_t interest)
{
    struct trale_fd_wait wait;
    return trale_block_on(runtime, trale_fd_wait(&wait, fd, interest));
}

/* Lets each task that is runnable have a turn, so that it waits. */
static void let_wait(struct trale *runtime)
{
    struct trale_stats stats;
    assert_int_equal(trale_stats(runtime, &stats), 0);
}

/* --- what is found ------------------------------------------------------------------------------------------------ */

static void test_an_fd_that_is_ready_resolves_a_wait(void **state)
{
    int fds[2];
    pair(fds);
    assert_int_equal(wait_for(*state, fds[0], TRALE_WRITABLE), TRALE_WRITABLE);
    assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE | TRALE_WRITABLE), TRALE_WRITABLE);
    put(fds[1]);
    assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE), TRALE_READABLE);
    assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE | TRALE_WRITABLE), TRALE_READABLE | TRALE_WRITABLE);
    assert_int_equal(wait_for(*state, fds[0], ALL), TRALE_READABLE | TRALE_WRITABLE);
    forget_and_close(*state, fds);
}

static void test_an_fd_that_becomes_ready_resolves_a_wait(void **state)
{
    int fds[2];
    pair(fds);
    for (int i = 0; i < 100; i++) {
        char byte;
        struct trale_task *task = trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_READABLE);
        if (i % 2 == 0)
            let_wait(*state);
        put(fds[1]);
        assert_int_equal(trale_join(task), TRALE_READABLE);
        assert_int_equal(read(fds[0], &byte, 1), 1);
    }
    forget_and_close(*state, fds);
}

static void test_data_that_is_left_resolves_the_next_wait(void **state)
{
    int fds[2];
    pair(fds);
    put(fds[1]);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE), TRALE_READABLE);
    shutdown(fds[1], SHUT_WR);
    for (int i = 0; i < 10; i++)
        assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE), TRALE_READABLE | TRALE_READ_HANGUP);
    close(fds[1]);
    for (int i = 0; i < 10; i++)
        assert_int_equal(wait_for(*state, fds[0], TRALE_FAILING), TRALE_HANGUP);
    forget_and_close(*state, (int[]){fds[0], open("/dev/null", O_RDONLY)});
}

static void test_priority_data_is_told_apart(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fds[2];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&address, size), 0);
    assert_int_equal(wait_for(*state, listener, TRALE_READABLE), TRALE_READABLE);
    fds[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    struct trale_task *task = trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_PRIORITY_DATA);
    let_wait(*state);
    put(fds[1]); /* wakes nothing */
    assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE), TRALE_READABLE);
    assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
    assert_int_equal(trale_join(task), TRALE_PRIORITY_DATA);
    assert_int_equal(wait_for(*state, fds[0], ALL), TRALE_PRIORITY_DATA | TRALE_READABLE | TRALE_WRITABLE);
    forget_and_close(*state, fds);
    forget_and_close(*state, (int[]){listener, open("/dev/null", O_RDONLY)});
}

static void test_an_error_resolves_every_wait(void **state)
{
    int fds[2];
    char full[4096] = {0};
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    while (write(fds[1], full, sizeof full) > 0)
        ;
    struct trale_task *tasks[] = {trale_spawn(*state, waiter, .fd = fds[1], .interest = TRALE_WRITABLE),
                                  trale_spawn(*state, waiter, .fd = fds[1], .interest = TRALE_FAILING),
                                  trale_spawn(*state, waiter, .fd = fds[1], .interest = TRALE_PRIORITY_DATA)};
    let_wait(*state);
    close(fds[0]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(trale_join(tasks[i]), TRALE_FAILING);
    forget_and_close(*state, (int[]){open("/dev/null", O_RDONLY), fds[1]});
}

static void test_an_epoll_instance_can_be_waited_for(void **state)
{
    int fds[2], epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    pair(fds);
    assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[0], &(struct epoll_event){.events = EPOLLIN}), 0);
    struct trale_task *task = trale_spawn(*state, waiter, .fd = epoll_fd, .interest = TRALE_READABLE);
    let_wait(*state);
    put(fds[1]);
    assert_int_equal(trale_join(task), TRALE_READABLE);
    /* Its events are not taken. */
    assert_int_equal(wait_for(*state, epoll_fd, TRALE_READABLE), TRALE_READABLE);
    forget_and_close(*state, (int[]){epoll_fd, fds[0]});
    close(fds[1]);
}

static void test_what_cannot_be_waited_for_is_refused(void **state)
{
    int fds[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    pair(fds);
    assert_int_equal(wait_for(*state, file, TRALE_READABLE), -EPERM);
    assert_int_equal(wait_for(*state, -1, TRALE_READABLE), -EBADF);
    assert_int_equal(wait_for(*state, 1 << 20, TRALE_READABLE), -EBADF);
    close(file);
    assert_int_equal(wait_for(*state, file, TRALE_READABLE), -EBADF);
    assert_int_equal(wait_for(*state, fds[0], 0), -EINVAL);
    assert_int_equal(wait_for(*state, fds[0], TRALE_HANGUP), -EINVAL);
    assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE | 1u << 16), -EINVAL);
    forget_and_close(*state, fds);
}

/* --- several waits ------------------------------------------------------------------------------------------------ */

static void test_any_number_of_tasks_may_wait_for_one_fd(void **state)
{
    enum { N = 100 };
    struct trale_task *tasks[N];
    int fds[2];
    pair(fds);
    for (int i = 0; i < N; i++)
        tasks[i] = trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_READABLE);
    let_wait(*state);
    put(fds[1]);
    for (int i = 0; i < N; i++)
        assert_int_equal(trale_join(tasks[i]), TRALE_READABLE);
    forget_and_close(*state, fds);
}

/* Waits without end for an fd that is ready. */
struct glutton {
    struct trale_future future;
    int fd;
    struct trale_fd_wait wait;
};

trale_async(glutton)
{
    trale_begin();
    for (;;)
        trale_try(trale_fd_wait(&self->wait, self->fd, TRALE_READABLE));
}

static void test_an_fd_that_is_always_ready_does_not_starve_other_tasks(void **state)
{
    int fds[2];
    pair(fds);
    put(fds[1]);
    struct trale_task *task = trale_spawn(*state, glutton, .fd = fds[0]);
    for (int i = 0; i < 10; i++)
        let_wait(*state);
    assert_int_equal(wait_for(*state, fds[1], TRALE_WRITABLE), TRALE_WRITABLE);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    forget_and_close(*state, fds);
}

/* --- cancelling --------------------------------------------------------------------------------------------------- */

/* Gives up the wait in favour of another one, and uses its memory again. */
struct changer {
    struct trale_future future;
    int first, second;
    struct trale_fd_wait waits[2];
    TRALE_BRANCHES(2) race;
    int i;
};

trale_async(changer)
{
    trale_begin();
    for (self->i = 0; self->i < 20; self->i++) {
        trale_await(trale_race_of(&self->race, trale_fd_wait(&self->waits[0], self->first, TRALE_READABLE),
                                  trale_fd_wait(&self->waits[1], self->second, TRALE_READABLE)));
        if (trale_result() != 1 || self->race.branch[1].result != TRALE_READABLE)
            trale_return(-EPROTO);
        memset(self->waits, 0xff, sizeof self->waits);
        trale_yield();
    }
    trale_return(0);
}

static void test_a_wait_that_is_dropped_is_not_woken(void **state)
{
    int first[2], second[2];
    pair(first);
    pair(second);
    put(second[1]);
    struct changer changer;
    assert_int_equal(trale_block_on(*state, trale_call(changer, &changer, .first = first[0], .second = second[0])), 0);
    put(first[1]);
    assert_int_equal(wait_for(*state, first[0], TRALE_READABLE), TRALE_READABLE);
    forget_and_close(*state, first);
    forget_and_close(*state, second);
}

static void test_a_task_that_is_aborted_leaves_no_wait(void **state)
{
    int fds[2];
    pair(fds);
    for (int i = 0; i < 100; i++) {
        struct trale_task *task = trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_READABLE);
        if (i % 2 == 0)
            let_wait(*state);
        trale_abort(task);
        assert_int_equal(trale_join(task), -ECANCELED);
    }
    put(fds[1]);
    assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE), TRALE_READABLE);
    forget_and_close(*state, fds);
}

static void test_a_timeout_ends_a_wait(void **state)
{
    int fds[2];
    pair(fds);
    struct trale_timeout timeout;
    struct trale_fd_wait wait;
    assert_int_equal(trale_block_on(*state, trale_timeout(&timeout, trale_fd_wait(&wait, fds[0], TRALE_READABLE),
                                                          TRALE_MILLISECOND)),
                     -ETIMEDOUT);
    put(fds[1]);
    assert_int_equal(trale_block_on(*state, trale_timeout(&timeout, trale_fd_wait(&wait, fds[0], TRALE_READABLE),
                                                          60 * TRALE_SECOND)),
                     TRALE_READABLE);
    forget_and_close(*state, fds);
}

/* --- forgetting --------------------------------------------------------------------------------------------------- */

static void test_forgetting_an_fd_cancels_its_waits(void **state)
{
    int fds[2];
    pair(fds);
    struct trale_task *tasks[] = {trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_READABLE),
                                  trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_PRIORITY_DATA)};
    let_wait(*state);
    assert_int_equal(trale_fd_forget(*state, fds[0]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(trale_join(tasks[i]), -ECANCELED);
    /* It may be waited for again. */
    put(fds[1]);
    assert_int_equal(wait_for(*state, fds[0], TRALE_READABLE), TRALE_READABLE);
    forget_and_close(*state, fds);
    assert_int_equal(trale_fd_forget(*state, fds[0]), 0);
    assert_int_equal(trale_fd_forget(*state, -1), -EBADF);
}

/* Forgets what another task waits for, closes it, and waits for the next file that has its number. */
struct closer {
    struct trale_future future;
    int fds[2];
    struct trale_task *task;
    struct trale_join_future join;
    struct trale_fd_wait wait;
};

trale_async(closer)
{
    trale_begin();
    if (trale_fd_forget(cx->runtime, self->fds[0]) != 0)
        trale_return(-EPROTO);
    close(self->fds[0]);
    trale_await(trale_join_future(&self->join, self->task));
    if (trale_result() != -ECANCELED)
        trale_return(-EPROTO);
    if (dup2(self->fds[1], self->fds[0]) != self->fds[0])
        trale_return(-EPROTO);
    trale_await(trale_fd_wait(&self->wait, self->fds[0], TRALE_READABLE));
    trale_return(trale_result());
}

static void test_a_task_may_forget_an_fd_and_use_its_number_again(void **state)
{
    int fds[2], other[2];
    pair(fds);
    pair(other);
    put(other[1]);
    struct trale_task *task = trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_READABLE);
    let_wait(*state);
    struct closer closer;
    assert_int_equal(trale_block_on(*state, trale_call(closer, &closer, .fds = {fds[0], other[0]}, .task = task)),
                     TRALE_READABLE);
    forget_and_close(*state, fds);
    forget_and_close(*state, other);
}

static void *forget_thread(void *data)
{
    struct closer *closer = data;
    return (void *)(intptr_t)trale_fd_forget(closer->wait.runtime, closer->fds[0]);
}

static void test_any_thread_may_forget_an_fd(void **state)
{
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        void *result;
        struct closer closer = {.wait.runtime = *state};
        _Atomic bool waits = false;
        pair(closer.fds);
        struct trale_task *task = trale_spawn(*state, waiter, .fd = closer.fds[0], .interest = TRALE_READABLE,
                                              .waits = &waits);
        let_wait(*state);
        assert_true(waits);
        assert_int_equal(pthread_create(&thread, NULL, forget_thread, &closer), 0);
        assert_int_equal(trale_join(task), -ECANCELED);
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_null(result);
        forget_and_close(*state, closer.fds);
    }
}

static void test_a_child_cannot_forget_and_leaves_the_waits_of_its_parent_alone(void **state)
{
    int fds[2], status;
    pair(fds);
    struct trale_task *task = trale_spawn(*state, waiter, .fd = fds[0], .interest = TRALE_READABLE);
    let_wait(*state);
    pid_t child = fork();
    if (child == 0) {
        int r = trale_fd_forget(*state, fds[0]);
        close(fds[0]);
        _exit(r == -ECHILD ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    put(fds[1]);
    assert_int_equal(trale_join(task), TRALE_READABLE);
    forget_and_close(*state, fds);
}

/* --- fds that are closed and not forgotten ------------------------------------------------------------------------ */

/* Closes what it has waited for. */
struct careless {
    struct trale_future future;
    int fd;
    struct trale_fd_wait wait;
};

trale_async(careless)
{
    trale_begin();
    trale_await(trale_fd_wait(&self->wait, self->fd, TRALE_READABLE));
    close(self->fd);
    trale_return(trale_result());
}

static void test_an_fd_that_is_closed_and_not_forgotten_is_named_with_its_task(void **state)
{
    (void)state;
    char text[1024], message[128];
    struct test_log log = {.length = 0};
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    struct trale *runtime;
    struct trale_sleep sleep;
    int fds[2];
    if (test_threads() == 2 || getenv("TRALE_TEST_CHECKS") != NULL)
        return; /* edge-triggered, it does no harm that could be seen soon; and checks find it sooner */
    snprintf(text, sizeof text, "[runtime]\nthreads = %d\ndrivers = timer\ndrivers_folder = %s\n" TEST_TIMER,
             test_threads(), TEST_DRIVERS);
    assert_int_equal(trale_open(&runtime, &options), 0);
    pair(fds);
    put(fds[1]);
    int duplicate = dup(fds[0]);
    assert_int_equal(trale_join(trale_spawn(runtime, careless, .fd = fds[0])), TRALE_READABLE);
    snprintf(message, sizeof message, "1 trale: fd %d of task careless was closed without trale_fd_forget", fds[0]);
    /* The executor finds out when it is about to sleep. */
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_non_null(strstr(log.text, message));
    close(duplicate);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_fd_that_is_ready_resolves_a_wait),
        cmocka_unit_test(test_an_fd_that_becomes_ready_resolves_a_wait),
        cmocka_unit_test(test_data_that_is_left_resolves_the_next_wait),
        cmocka_unit_test(test_priority_data_is_told_apart),
        cmocka_unit_test(test_an_error_resolves_every_wait),
        cmocka_unit_test(test_an_epoll_instance_can_be_waited_for),
        cmocka_unit_test(test_what_cannot_be_waited_for_is_refused),
        cmocka_unit_test(test_any_number_of_tasks_may_wait_for_one_fd),
        cmocka_unit_test(test_an_fd_that_is_always_ready_does_not_starve_other_tasks),
        cmocka_unit_test(test_a_wait_that_is_dropped_is_not_woken),
        cmocka_unit_test(test_a_task_that_is_aborted_leaves_no_wait),
        cmocka_unit_test(test_a_timeout_ends_a_wait),
        cmocka_unit_test(test_forgetting_an_fd_cancels_its_waits),
        cmocka_unit_test(test_a_task_may_forget_an_fd_and_use_its_number_again),
        cmocka_unit_test(test_any_thread_may_forget_an_fd),
        cmocka_unit_test(test_a_child_cannot_forget_and_leaves_the_waits_of_its_parent_alone),
        cmocka_unit_test(test_an_fd_that_is_closed_and_not_forgotten_is_named_with_its_task),
    };
    return cmocka_run_group_tests(tests, test_open_timer, test_close_runtime);
}
