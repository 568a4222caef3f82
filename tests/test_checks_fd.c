/* SPDX-License-Identifier: MIT
 *
 * What [runtime] checks = yes finds about fds of the application (trale/fd.h), in each thread layout. */
#include <sys/eventfd.h>

#include <trale/fd.h>

#include "tests/checks.h"

struct waiting {
    struct trale_future future;
    struct trale_fd_wait wait;
    int fd;
};

trale_async(waiting)
{
    trale_begin();
    trale_await(trale_fd_wait(&self->wait, self->fd, TRALE_READABLE));
    trale_return(trale_result());
}

static int event(int value)
{
    int fd = eventfd((unsigned)value, EFD_NONBLOCK);
    assert_true(fd >= 0);
    return fd;
}

static void close_it(void *data)
{
    close(*(int *)data);
}

static void test_an_fd_that_is_closed_without_trale_fd_forget_is_named_and_its_wait_ends(void **state)
{
    struct fixture *f = *state;
    int fd = event(0);
    struct trale_task *task = trale_spawn(f->runtime, waiting, .fd = fd);
    let_tasks_run(f->runtime);
    assert_dumped(f, "application: 1 fds, 1 waits\n");
    test_call_in_task(f->runtime, close_it, &fd);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_said(f, "0 trale: checks: task ");
    assert_said(f, "(waiting) in trale_fd_wait at ");
    assert_said(f, "test_checks_fd.c:");
    assert_said(f, "was closed without trale_fd_forget, so waits for the number would never end: call trale_fd_forget "
                   "before close(2)");
    assert_findings(f, 1);
    assert_dumped(f, "application: 0 fds, 0 waits\n");
}

static void test_a_number_that_is_used_again_without_trale_fd_forget_is_named_and_the_new_wait_ends(void **state)
{
    struct fixture *f = *state;
    int old[2], new[2];
    struct waiting waiting;
    assert_int_equal(pipe(old), 0);
    assert_int_equal(pipe(new), 0);
    assert_int_equal(write(old[1], "x", 1), 1);
    assert_int_equal(write(new[1], "x", 1), 1);
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .fd = old[0])), TRALE_READABLE);
    assert_int_equal(dup2(new[0], old[0]), old[0]);
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .fd = old[0])), TRALE_READABLE);
    assert_said(f, "was closed without trale_fd_forget");
    assert_findings(f, 1);
    assert_int_equal(trale_fd_forget(f->runtime, old[0]), 0);
    for (int i = 0; i < 2; i++) {
        close(old[i]);
        close(new[i]);
    }
    assert_findings(f, 1);
}

static void test_an_fd_that_is_forgotten_may_be_closed_and_its_number_used_again(void **state)
{
    struct fixture *f = *state;
    struct waiting waiting;
    for (int i = 0; i < 3; i++) {
        int fd = event(1);
        assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .fd = fd)), TRALE_READABLE);
        assert_int_equal(trale_fd_forget(f->runtime, fd), 0);
        close(fd);
    }
    assert_findings(f, 0);
}

static void test_fds_of_the_application_may_be_closed_after_the_runtime(void **state)
{
    struct fixture *f = *state;
    int fd = event(1);
    struct waiting waiting;
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .fd = fd)), TRALE_READABLE);
    assert_int_equal(trale_close(f->runtime), 0);
    f->runtime = NULL;
    close(fd);
    assert_findings(f, 0);
}

/* A driver and the application wait for one fd. */
struct sharing {
    struct trale_future future;
    const struct trale_host *host;
    int fd;
    struct trale_wait wait;
};

static int64_t sharing_poll(struct trale_future *future, struct trale_context *context)
{
    struct sharing *self = (struct sharing *)(void *)future;
    self->wait.waker = context->waker;
    assert_true(self->host->register_waker(self->host->context, self->fd, TRALE_READABLE, &self->wait) >= 0);
    self->host->cancel_wait(self->host->context, &self->wait);
    return 0;
}

static void test_an_fd_that_the_application_and_a_driver_wait_for_is_forgotten_once(void **state)
{
    static const struct trale_future_type type = {sizeof type, TRALE_ABI, "sharing", sharing_poll, NULL};
    struct fixture *f = *state;
    int fd = event(1), other;
    struct waiting waiting;
    struct sharing sharing = {.future.type = &type, .host = f->careless->host, .fd = fd};
    assert_int_equal(trale_block_on(f->runtime, &sharing.future), 0);
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .fd = fd)), TRALE_READABLE);
    assert_int_equal(trale_fd_forget(f->runtime, fd), 0);
    close(fd);
    other = event(1); /* most likely the same number */
    assert_int_equal(trale_block_on(f->runtime, trale_call(waiting, &waiting, .fd = other)), TRALE_READABLE);
    assert_int_equal(trale_fd_forget(f->runtime, other), 0);
    close(other);
    assert_int_equal(trale_close(f->runtime), 0);
    f->runtime = NULL;
    assert_findings(f, 0);
}

/* Makes its wait anew in each poll, or moves it. */
struct careless_waiter {
    struct trale_future future;
    struct trale_fd_wait waits[2];
    int fd, n_polls;
    bool moves;
};

static int64_t careless_waiter_poll(struct trale_future *future, struct trale_context *context)
{
    struct careless_waiter *self = (struct careless_waiter *)(void *)future;
    if (self->n_polls++ == 0 || !self->moves) {
        future->awaiting = trale_fd_wait(&self->waits[0], self->fd, TRALE_READABLE);
    } else {
        self->waits[1] = self->waits[0];
        future->awaiting = &self->waits[1].future;
    }
    int64_t result = trale_future_await(future->awaiting, context);
    if (result == TRALE_PENDING && self->n_polls == 1)
        context->waker->table->wake_by_ref(context->waker);
    return result;
}

static const struct trale_future_type careless_waiter_type = {sizeof careless_waiter_type, TRALE_ABI, "careless_waiter",
                                                              careless_waiter_poll, NULL};

static void test_a_wait_that_is_made_anew_in_each_poll_is_named(void **state)
{
    struct fixture *f = *state;
    int fd = event(0);
    struct careless_waiter waiter = {.future.type = &careless_waiter_type, .fd = fd};
    struct trale_task *task = trale_spawn_frame(f->runtime, &waiter.future, sizeof waiter);
    let_tasks_run(f->runtime);
    assert_said(f, "(careless_waiter) in trale_fd_wait: the memory of a wait for fd ");
    assert_said(f, "was overwritten while it was registered");
    assert_findings(f, 1);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(trale_fd_forget(f->runtime, fd), 0);
    close(fd);
    assert_findings(f, 1);
}

static void test_a_wait_that_moves_is_named_and_resolves_to_an_error(void **state)
{
    struct fixture *f = *state;
    int fd = event(0);
    struct careless_waiter waiter = {.future.type = &careless_waiter_type, .fd = fd, .moves = true};
    struct trale_task *task = trale_spawn_frame(f->runtime, &waiter.future, sizeof waiter);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_said(f, "(careless_waiter) in trale_fd_wait: a wait for fd ");
    assert_said(f, "while it was registered: a future stays where it is from its first poll until it is over");
    assert_findings(f, 1);
    assert_int_equal(trale_fd_forget(f->runtime, fd), 0);
    close(fd);
}

#define N_MANY 200

/* The closing is a poll or two, too few for a look at all of them before the next sleep. */
static void test_an_fd_among_many_that_is_closed_is_found_soon(void **state)
{
    struct fixture *f = *state;
    int fds[N_MANY];
    struct trale_task *tasks[N_MANY];
    for (int i = 0; i < N_MANY; i++) {
        fds[i] = event(0);
        tasks[i] = trale_spawn(f->runtime, waiting, .fd = fds[i]);
    }
    let_tasks_run(f->runtime);
    test_call_in_task(f->runtime, close_it, &fds[0]);
    assert_int_equal(trale_join(tasks[0]), -ECANCELED);
    assert_said(f, "was closed without trale_fd_forget");
    assert_findings(f, 1);
    for (int i = 1; i < N_MANY; i++) {
        assert_int_equal(eventfd_write(fds[i], 1), 0);
        assert_int_equal(trale_join(tasks[i]), TRALE_READABLE);
        assert_int_equal(trale_fd_forget(f->runtime, fds[i]), 0);
        close(fds[i]);
    }
    assert_findings(f, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_fd_that_is_closed_without_trale_fd_forget_is_named_and_its_wait_ends),
        TEST(test_a_number_that_is_used_again_without_trale_fd_forget_is_named_and_the_new_wait_ends),
        TEST(test_an_fd_that_is_forgotten_may_be_closed_and_its_number_used_again),
        TEST(test_fds_of_the_application_may_be_closed_after_the_runtime),
        TEST(test_an_fd_that_the_application_and_a_driver_wait_for_is_forgotten_once),
        TEST(test_a_wait_that_is_made_anew_in_each_poll_is_named),
        TEST(test_a_wait_that_moves_is_named_and_resolves_to_an_error),
        TEST(test_an_fd_among_many_that_is_closed_is_found_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
