/* SPDX-License-Identifier: MIT
 *
 * A runtime without a thread inside another event loop: poll(2), GLib's (EMBEDDED_GLIB) or libuv's (EMBEDDED_LIBUV). */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <trale/fd.h>
#include <trale/sync.h>

#include "tests/drivers/hook.h"
#include "tests/support.h"

static struct trale *open_in(int threads, const char *drivers)
{
    char text[1024];
    struct trale *runtime = NULL;
    snprintf(text, sizeof text,
             "[runtime]\nthreads = %d\ndrivers = %s\ndrivers_folder = %s\n" TEST_TIMER TEST_UDP
             "[driver:hook]\npath = " TEST_FLAWED_DRIVERS "/hook.so\n",
             threads, drivers, TEST_DRIVERS);
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text}), 0);
    return runtime;
}

static int open_embedded(void **state)
{
    *state = open_in(0, "timer, udp");
    return 0;
}

/* --- the loops ---------------------------------------------------------------------------------------------------- */

/* A run of the loop: it ends when `n_done` has reached `n_wanted`, and counts the turns. */
struct run {
    struct trale *runtime;
    const _Atomic int *n_done;
    int n_wanted;
    int n_turns, n_left;
    void *loop;
};

/* The fd is readable. Returns whether the loop goes on. */
static bool run_turn(struct run *run)
{
    int r = trale_turn(run->runtime);
    assert_true(r == 0 || r == 1 || r == -EBUSY);
    run->n_turns++;
    run->n_left += r == 1;
    return *run->n_done < run->n_wanted;
}

#if defined EMBEDDED_GLIB
#include <glib-unix.h>

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
    struct run *run = data;
    (void)fd, (void)condition;
    if (!run_turn(run))
        g_main_loop_quit(run->loop);
    return G_SOURCE_CONTINUE;
}

static void run_loop(struct run *run, int fd)
{
    GMainContext *context = g_main_context_new();
    GSource *source = g_unix_fd_source_new(fd, G_IO_IN);
    run->loop = g_main_loop_new(context, FALSE);
    g_source_set_callback(source, (GSourceFunc)(void (*)(void))on_readable, run, NULL);
    g_source_attach(source, context);
    g_main_loop_run(run->loop);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(run->loop);
    g_main_context_unref(context);
}
#elif defined EMBEDDED_LIBUV
#include <uv.h>

static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct run *run = handle->data;
    (void)status, (void)events;
    if (!run_turn(run))
        uv_close((uv_handle_t *)handle, NULL);
}

static void run_loop(struct run *run, int fd)
{
    uv_loop_t loop;
    uv_poll_t handle = {.data = run};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_poll_init(&loop, &handle, fd), 0);
    assert_int_equal(uv_poll_start(&handle, UV_READABLE, on_readable), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}
#else
static void run_loop(struct run *run, int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    do
        assert_int_equal(poll(&polled, 1, 60000), 1);
    while (run_turn(run));
}
#endif

static struct run run_until(struct trale *runtime, const _Atomic int *n_done, int n_wanted)
{
    int fd = trale_backend_fd(runtime);
    assert_true(fd >= 0);
    struct run run = {.runtime = runtime, .n_done = n_done, .n_wanted = n_wanted};
    if (*n_done < n_wanted)
        run_loop(&run, fd);
    return run;
}

static bool is_readable(struct trale *runtime)
{
    struct pollfd polled = {.fd = trale_backend_fd(runtime), .events = POLLIN};
    while (trale_turn(runtime) == 1)
        ;
    return poll(&polled, 1, 0) == 1;
}

/* --- sleeps ------------------------------------------------------------------------------------------------------- */

struct sleeper {
    struct trale_future future;
    uint64_t duration_ns;
    int n, i;
    _Atomic int *n_done;
    struct trale_sleep sleep;
};

trale_async(sleeper)
{
    trale_begin();
    for (self->i = 0; self->i < self->n; self->i++)
        trale_try(trale_sleep(&self->sleep, self->duration_ns));
    ++*self->n_done;
    trale_return(0);
}

static void test_sleeps_end_and_the_loop_does_not_spin(void **state)
{
    _Atomic int n_done = 0;
    for (int i = 1; i <= 20; i++)
        trale_detach(
            trale_spawn(*state, sleeper, .duration_ns = (uint64_t)i * TRALE_MILLISECOND, .n = 5, .n_done = &n_done));
    struct run run = run_until(*state, &n_done, 20);
    /* At most a turn for each of the 100 sleeps, and as many for a timer that is armed too early. */
    assert_in_range(run.n_turns, 5, 200);
}

static void test_while_nothing_is_to_do_the_fd_is_not_readable(void **state)
{
    _Atomic int n_done = 0;
    trale_detach(trale_spawn(*state, sleeper, .duration_ns = 200 * TRALE_MILLISECOND, .n = 1, .n_done = &n_done));
    struct run run = run_until(*state, &n_done, 1);
    assert_in_range(run.n_turns, 2, 10);
    assert_false(is_readable(*state));
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

struct pinger {
    struct trale_future future;
    bool begins;
    int n, i;
    _Atomic int *n_done;
    struct trale_udp_socket *socket;
    struct trale_address peer;
    struct trale_udp_recv recv;
    struct trale_udp_send send;
    char buf[64];
};

trale_async(pinger)
{
    trale_begin();
    for (self->i = 0; self->i < self->n; self->i++) {
        if (self->begins)
            trale_try(trale_udp_send_to(&self->send, self->socket, "ping", 4, &self->peer));
        trale_try(trale_udp_recv_from(&self->recv, self->socket, self->buf, sizeof self->buf));
        if (!self->begins)
            trale_try(trale_udp_send_to(&self->send, self->socket, self->buf, 4, &self->recv.from));
    }
    trale_udp_close(self->socket);
    ++*self->n_done;
    trale_return(0);
}

/* Opens two sockets and has them played. */
struct game {
    struct trale_future future;
    int n;
    _Atomic int *n_done;
};

trale_async(game)
{
    struct trale_udp_socket *sockets[2];
    struct trale_address echo;
    trale_begin();
    for (int i = 0; i < 2; i++)
        assert_int_equal(trale_udp_open(cx->runtime, "127.0.0.1:0", 0, &sockets[i]), 0);
    assert_int_equal(trale_udp_local(sockets[1], &echo), 0);
    trale_detach(trale_spawn(cx->runtime, pinger, .begins = true, .n = self->n, .n_done = self->n_done,
                             .socket = sockets[0], .peer = echo));
    trale_detach(trale_spawn(cx->runtime, pinger, .n = self->n, .n_done = self->n_done, .socket = sockets[1]));
    trale_return(0);
}

static void test_sockets_are_served(void **state)
{
    enum { N = 500 };
    _Atomic int n_done = 0;
    trale_detach(trale_spawn(*state, game, .n = N, .n_done = &n_done));
    struct run run = run_until(*state, &n_done, 2);
    assert_true(run.n_turns <= 4 * N);
}

static void test_an_fd_that_no_task_waits_for_does_not_keep_the_loop_busy(void **state)
{
    int fds[2];
    struct trale_fd_wait wait;
    _Atomic int n_done = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(trale_block_on(*state, trale_fd_wait(&wait, fds[0], TRALE_READABLE)), TRALE_READABLE);
    trale_detach(trale_spawn(*state, sleeper, .duration_ns = 100 * TRALE_MILLISECOND, .n = 1, .n_done = &n_done));
    struct run run = run_until(*state, &n_done, 1);
    assert_in_range(run.n_turns, 1, 10);
    assert_int_equal(trale_block_on(*state, trale_fd_wait(&wait, fds[0], TRALE_READABLE)), TRALE_READABLE);
    assert_int_equal(trale_fd_forget(*state, fds[0]), 0);
    close(fds[0]);
    close(fds[1]);
}

/* --- other threads ------------------------------------------------------------------------------------------------ */

struct listener {
    struct trale_future future;
    struct trale_semaphore *semaphore;
    int n, i;
    _Atomic int *n_done;
    struct trale_semaphore_acquire acquire;
};

trale_async(listener)
{
    trale_begin();
    for (self->i = 0; self->i < self->n; self->i++) {
        trale_await(trale_semaphore_acquire(&self->acquire, self->semaphore, 1));
        ++*self->n_done;
    }
    trale_return(0);
}

struct outside {
    struct trale *runtime;
    struct trale_semaphore semaphore;
    _Atomic int n_done;
};

enum { N_WAKES = 300 };

/* Wakes, spawns and aborts. */
static void *outside_thread(void *data)
{
    struct outside *outside = data;
    for (int i = 0; i < N_WAKES; i++) {
        trale_semaphore_release(&outside->semaphore, 1);
        trale_detach(trale_spawn(outside->runtime, sleeper, .n = 0, .n_done = &outside->n_done));
        if (i % 3 == 0)
            usleep(200);
    }
    return NULL;
}

static void test_nothing_that_other_threads_do_is_lost(void **state)
{
    pthread_t thread;
    struct outside outside = {.runtime = *state, .semaphore = TRALE_SEMAPHORE(0)};
    struct trale_task *task = trale_spawn(*state, listener, .semaphore = &outside.semaphore, .n = N_WAKES,
                                          .n_done = &outside.n_done);
    assert_int_equal(pthread_create(&thread, NULL, outside_thread, &outside), 0);
    struct run run = run_until(*state, &outside.n_done, 2 * N_WAKES);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(trale_join(task), 0);
    assert_true(run.n_turns <= 4 * N_WAKES + 10);
}

struct dropped {
    struct trale_future future;
    _Atomic int *n_done;
    struct trale_sleep sleep;
};

static void dropped_close(struct dropped *self)
{
    ++*self->n_done;
}

trale_async_with(dropped, dropped_close)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, 3600 * TRALE_SECOND));
    trale_return(0);
}

static void *abort_thread(void *task)
{
    usleep(10000);
    trale_abort(task);
    return NULL;
}

static void test_a_task_that_another_thread_aborts_is_dropped(void **state)
{
    pthread_t thread;
    _Atomic int n_done = 0;
    struct trale_task *task = trale_spawn(*state, dropped, .n_done = &n_done);
    assert_int_equal(pthread_create(&thread, NULL, abort_thread, task), 0);
    run_until(*state, &n_done, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
}

/* --- long turns, and limits --------------------------------------------------------------------------------------- */

struct yielder {
    struct trale_future future;
    int n;
    _Atomic int *n_done;
};

trale_async(yielder)
{
    trale_begin();
    while (self->n-- > 0)
        trale_yield();
    ++*self->n_done;
    trale_return(0);
}

static void test_a_turn_ends_while_tasks_are_runnable_and_goes_on_in_the_next(void **state)
{
    _Atomic int n_done = 0;
    for (int i = 0; i < 3; i++)
        trale_detach(trale_spawn(*state, yielder, .n = 10000, .n_done = &n_done));
    trale_detach(trale_spawn(*state, sleeper, .duration_ns = TRALE_MILLISECOND, .n = 1, .n_done = &n_done));
    struct run run = run_until(*state, &n_done, 4);
    assert_in_range(run.n_left, 30000 / (int)TRALE_EVENT_INTERVAL - 2, run.n_turns);
    assert_false(is_readable(*state));
}

/* Wakes after it was asked ten times, each two milliseconds after the last. */
struct limiter {
    struct trale_future future;
    _Atomic int *n_done;
    const struct trale_waker *waker;
    int n_asked;
};

static uint64_t limiter_answer(void *data, uint32_t idle)
{
    struct limiter *self = data;
    if (!idle || self->waker == NULL)
        return UINT64_MAX;
    if (self->n_asked++ < 10)
        return 2 * TRALE_MILLISECOND;
    self->waker->table->wake(self->waker);
    self->waker = NULL;
    return UINT64_MAX;
}

static int64_t limiter_poll(struct trale_future *future, struct trale_context *context)
{
    struct limiter *self = (struct limiter *)(void *)future;
    const struct hook *hook = trale_interface(context->runtime, "org.example.hook/1", sizeof *hook);
    if (self->n_asked > 10) {
        hook->set_answer(hook->interface.instance, NULL, NULL);
        ++*self->n_done;
        return 0;
    }
    self->waker = context->waker->table->clone(context->waker);
    hook->set_answer(hook->interface.instance, limiter_answer, self);
    return TRALE_PENDING;
}

static const struct trale_future_type limiter_type = {sizeof limiter_type, TRALE_ABI, "limiter", limiter_poll, NULL};

static void test_a_driver_limits_the_time_between_two_turns(void **state)
{
    (void)state;
    _Atomic int n_done = 0;
    struct trale *runtime = open_in(0, "hook");
    trale_detach(trale_spawn(runtime, limiter, .n_done = &n_done));
    struct run run = run_until(runtime, &n_done, 1);
    assert_in_range(run.n_turns, 2, 20);
    assert_false(is_readable(runtime));
    assert_int_equal(trale_close(runtime), 0);
}

/* --- calls besides ------------------------------------------------------------------------------------------------ */

static void *join_thread(void *task)
{
    return (void *)(intptr_t)trale_join(task);
}

static void test_calls_that_poll_may_come_between_turns_and_on_other_threads(void **state)
{
    _Atomic int n_done = 0;
    struct trale_sleep sleep;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        void *result;
        n_done = 0;
        trale_detach(trale_spawn(*state, sleeper, .duration_ns = TRALE_MILLISECOND, .n = 3, .n_done = &n_done));
        struct trale_task *task = trale_spawn(*state, sleeper, .duration_ns = TRALE_MILLISECOND, .n = 2,
                                              .n_done = &n_done);
        assert_int_equal(pthread_create(&thread, NULL, join_thread, task), 0);
        if (i % 2 == 0)
            assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, TRALE_MILLISECOND / 2)), 0);
        run_until(*state, &n_done, 2);
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_null(result);
        assert_int_equal(trale_run(*state), 0);
    }
    assert_false(is_readable(*state));
}

static void test_the_fd_stays_when_the_reactor_leaves_an_orphan_behind(void **state)
{
    (void)state;
    int fds[2];
    _Atomic int n_done = 0;
    struct test_log log = {.length = 0};
    char text[1024];
    struct trale *runtime;
    snprintf(text, sizeof text, "[runtime]\nthreads = 0\ndrivers = timer\ndrivers_folder = %s\n" TEST_TIMER,
             TEST_DRIVERS);
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    assert_int_equal(trale_open(&runtime, &options), 0);
    int fd = trale_backend_fd(runtime);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    int duplicate = dup(fds[0]);
    struct trale_fd_wait wait;
    assert_int_equal(trale_block_on(runtime, trale_fd_wait(&wait, fds[0], TRALE_READABLE)), TRALE_READABLE);
    close(fds[0]);
    trale_detach(trale_spawn(runtime, sleeper, .duration_ns = TRALE_MILLISECOND, .n = 20, .n_done = &n_done));
    struct run run = run_until(runtime, &n_done, 1);
    assert_non_null(strstr(log.text, "without trale_fd_forget"));
    assert_int_equal(trale_backend_fd(runtime), fd);
    assert_in_range(run.n_turns, 2, 40);
    assert_int_equal(trale_close(runtime), 0);
    close(duplicate);
    close(fds[1]);
}

static void test_a_runtime_may_be_closed_between_turns(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        _Atomic int n_done = 0;
        struct trale *runtime = open_in(0, "timer");
        struct trale_task *task = trale_spawn(runtime, dropped, .n_done = &n_done);
        assert_true(trale_backend_fd(runtime) >= 0);
        while (trale_turn(runtime) == 1)
            ;
        /* A task that another thread has pushed, and that no turn has taken in. */
        assert_int_equal(pthread_create(&thread, NULL, abort_thread, task), 0);
        if (i % 2 == 0)
            assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(trale_close(runtime), 0);
        if (i % 2 != 0)
            assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(n_done, 1);
        assert_int_equal(trale_join(task), -ECANCELED);
    }
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

struct turner {
    struct trale_future future;
};

trale_async(turner)
{
    trale_begin();
    trale_return(trale_turn(cx->runtime));
}

static void test_turns_are_refused_where_they_cannot_be(void **state)
{
    struct turner turner = {.future.type = &turner_type};
    int status;
    assert_int_equal(trale_block_on(*state, &turner.future), -EDEADLK);
    pid_t child = fork();
    if (child == 0)
        _exit(trale_turn(*state) == -ECHILD && trale_backend_fd(*state) == -ECHILD ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int threads = 1; threads <= 2; threads++) {
        struct trale *runtime = open_in(threads, "");
        assert_int_equal(trale_turn(runtime), -EOPNOTSUPP);
        assert_int_equal(trale_backend_fd(runtime), -EOPNOTSUPP);
        assert_int_equal(trale_close(runtime), 0);
    }
}

static void test_turns_need_no_fd(void **state)
{
    (void)state;
    _Atomic int n_done = 0;
    struct trale *runtime = open_in(0, "timer");
    trale_detach(trale_spawn(runtime, sleeper, .duration_ns = TRALE_MILLISECOND, .n = 3, .n_done = &n_done));
    while (n_done == 0) {
        assert_in_range(trale_turn(runtime), 0, 1);
        usleep(100);
    }
    assert_int_equal(trale_close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleeps_end_and_the_loop_does_not_spin),
        cmocka_unit_test(test_while_nothing_is_to_do_the_fd_is_not_readable),
        cmocka_unit_test(test_sockets_are_served),
        cmocka_unit_test(test_an_fd_that_no_task_waits_for_does_not_keep_the_loop_busy),
        cmocka_unit_test(test_nothing_that_other_threads_do_is_lost),
        cmocka_unit_test(test_a_task_that_another_thread_aborts_is_dropped),
        cmocka_unit_test(test_a_turn_ends_while_tasks_are_runnable_and_goes_on_in_the_next),
        cmocka_unit_test(test_a_driver_limits_the_time_between_two_turns),
        cmocka_unit_test(test_calls_that_poll_may_come_between_turns_and_on_other_threads),
        cmocka_unit_test(test_the_fd_stays_when_the_reactor_leaves_an_orphan_behind),
        cmocka_unit_test(test_a_runtime_may_be_closed_between_turns),
        cmocka_unit_test(test_turns_are_refused_where_they_cannot_be),
        cmocka_unit_test(test_turns_need_no_fd),
    };
    return cmocka_run_group_tests(tests, open_embedded, test_close_runtime);
}
