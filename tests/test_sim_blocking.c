/* SPDX-License-Identifier: MIT
 *
 * Functions that block in a simulation, on the world's clock. */
#include <trale/blocking.h>
#include <trale/sync.h>

#include "tests/open_sim.h"

static int n_runs, n_releases, order[8];

static int64_t run(void *data)
{
    order[n_runs++] = *(int *)data;
    return *(int *)data;
}

static void release(void *data)
{
    (void)data;
    n_releases++;
}

static int reset(void **state)
{
    (void)state;
    n_runs = n_releases = 0;
    return 0;
}

/* Calls the function at a time, and says when it had its result. */
struct caller {
    struct trale_future future;
    struct trale_sleep sleep;
    struct trale_blocking work;
    uint64_t after_ns, *ended_ns;
    int *number;
};

trale_async(caller)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, self->after_ns));
    trale_await(trale_blocking(&self->work, run, self->number, release));
    if (self->ended_ns != NULL)
        *self->ended_ns = trale_now(cx->runtime);
    trale_return(trale_result());
}

static void test_a_function_takes_the_time_that_the_configuration_says(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("blocking_time = 3s");
    int number = 7;
    uint64_t began_ns = trale_now(runtime), ended_ns = 0;
    struct trale_task *task = trale_spawn(runtime, caller, .after_ns = 5, .number = &number, .ended_ns = &ended_ns);
    assert_int_equal(trale_join(task), 7);
    assert_int_equal(ended_ns - began_ns, 5 + 3 * TRALE_SECOND);
    assert_int_equal(n_releases, 0);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_as_many_run_at_once_as_the_configuration_says(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("blocking_time = 1s\nblocking_threads = 2");
    int numbers[5] = {0, 1, 2, 3, 4};
    uint64_t began_ns = trale_now(runtime), ended_ns[5];
    for (int i = 0; i < 5; i++)
        trale_detach(trale_spawn(runtime, caller, .number = &numbers[i], .ended_ns = &ended_ns[i]));
    assert_int_equal(trale_run(runtime), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(order[i], i);
        assert_int_equal(ended_ns[i] - began_ns, (uint64_t)(i / 2 + 1) * TRALE_SECOND);
    }
    assert_int_equal(trale_close(runtime), 0);
}

static void sleep_for(struct trale *runtime, uint64_t duration_ns)
{
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, duration_ns)), 0);
}

static void test_dropped_before_it_has_begun_a_function_never_runs(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("blocking_time = 1s\nblocking_threads = 1");
    int first = 1, second = 2;
    struct trale_task *running = trale_spawn(runtime, caller, .number = &first);
    struct trale_task *queued = trale_spawn(runtime, caller, .number = &second);
    sleep_for(runtime, TRALE_MILLISECOND);
    trale_abort(queued);
    assert_int_equal(trale_join(queued), -ECANCELED);
    assert_int_equal(n_releases, 1);
    assert_int_equal(trale_join(running), 1);
    sleep_for(runtime, 10 * TRALE_SECOND);
    assert_int_equal(n_runs, 1);
    assert_int_equal(n_releases, 1);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_dropped_while_it_runs_a_function_releases_its_data_when_it_ends(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("blocking_time = 1s");
    int number = 1;
    struct trale_task *task = trale_spawn(runtime, caller, .number = &number);
    sleep_for(runtime, TRALE_MILLISECOND);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(n_runs, 1);
    assert_int_equal(n_releases, 0);
    sleep_for(runtime, TRALE_SECOND);
    assert_int_equal(n_releases, 1);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_releases, 1);
}

static void test_closing_releases_the_data_of_what_has_begun_and_of_what_has_not(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("blocking_time = 1s\nblocking_threads = 1");
    int numbers[3] = {0, 1, 2};
    for (int i = 0; i < 3; i++)
        trale_detach(trale_spawn(runtime, caller, .number = &numbers[i]));
    sleep_for(runtime, TRALE_MILLISECOND);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_runs, 1);
    assert_int_equal(n_releases, 3);
}

struct limited {
    struct trale_future future;
    struct trale_blocking work;
    struct trale_timeout timeout;
    int *number;
};

trale_async(limited)
{
    trale_begin();
    trale_await(
        trale_timeout(&self->timeout, trale_blocking(&self->work, run, self->number, release), TRALE_SECOND - 1));
    trale_return(trale_result());
}

static void test_a_timeout_gives_up_on_a_function_that_takes_longer(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("blocking_time = 1s");
    int number = 1;
    assert_int_equal(trale_join(trale_spawn(runtime, limited, .number = &number)), -ETIMEDOUT);
    sleep_for(runtime, TRALE_SECOND);
    assert_int_equal(n_releases, 1);
    assert_int_equal(trale_close(runtime), 0);
}

static int64_t join_here(void *runtime)
{
    int number = 1;
    struct trale_task *task = trale_spawn(runtime, limited, .number = &number);
    int64_t result = trale_join(task);
    trale_abort(task);
    trale_detach(task);
    return result;
}

static void test_a_function_cannot_wait_for_a_task(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("");
    struct trale_blocking work;
    assert_int_equal(trale_block_on(runtime, trale_blocking(&work, join_here, runtime, NULL)), -EDEADLK);
    assert_int_equal(trale_close(runtime), 0);
}

static int64_t wake(void *notify)
{
    trale_notify_one(notify);
    return 0;
}

struct sleeper {
    struct trale_future future;
    struct trale_notify_wait notified;
    struct trale_notify *notify;
    uint64_t *woken_ns;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(trale_notify_wait(&self->notified, self->notify));
    *self->woken_ns = trale_now(cx->runtime);
    trale_return(0);
}

static void test_a_task_that_a_function_wakes_runs_before_the_clock_moves_on(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("blocking_time = 1s");
    struct trale_notify notify = TRALE_NOTIFY;
    struct trale_blocking work;
    uint64_t began_ns = trale_now(runtime), woken_ns = 0;
    trale_detach(trale_spawn(runtime, sleeper, .notify = &notify, .woken_ns = &woken_ns));
    assert_int_equal(trale_block_on(runtime, trale_blocking(&work, wake, &notify, NULL)), 0);
    assert_int_equal(woken_ns, began_ns);
    assert_int_equal(trale_close(runtime), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_function_takes_the_time_that_the_configuration_says, reset),
        cmocka_unit_test_setup(test_as_many_run_at_once_as_the_configuration_says, reset),
        cmocka_unit_test_setup(test_dropped_before_it_has_begun_a_function_never_runs, reset),
        cmocka_unit_test_setup(test_dropped_while_it_runs_a_function_releases_its_data_when_it_ends, reset),
        cmocka_unit_test_setup(test_closing_releases_the_data_of_what_has_begun_and_of_what_has_not, reset),
        cmocka_unit_test_setup(test_a_timeout_gives_up_on_a_function_that_takes_longer, reset),
        cmocka_unit_test_setup(test_a_function_cannot_wait_for_a_task, reset),
        cmocka_unit_test_setup(test_a_task_that_a_function_wakes_runs_before_the_clock_moves_on, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
