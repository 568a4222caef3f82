/* SPDX-License-Identifier: MIT
 *
 * Tasks in the background, in each thread layout. */
#include <pthread.h>

#include "tests/support.h"

struct sleeper {
    struct trale_future future;
    uint64_t duration_ns;
    _Atomic int *n_dropped;
    struct trale_sleep sleep;
};

static void sleeper_close(struct sleeper *self)
{
    if (self->n_dropped != NULL)
        ++*self->n_dropped;
}

trale_async_with(sleeper, sleeper_close)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, self->duration_ns));
    trale_return(7);
}

#define HOUR (3600 * TRALE_SECOND)

static void end(struct trale_task *task)
{
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

static void test_trale_run_does_not_wait_for_a_task_in_the_background(void **state)
{
    struct trale_sleep sleep;
    for (int i = 0; i < 100; i++) {
        struct trale_task *task = trale_spawn(*state, sleeper, .duration_ns = HOUR);
        if (i % 2 == 0) /* it has begun to sleep */
            assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, 0)), 0);
        trale_background(task);
        assert_int_equal(trale_run(*state), 0);
        trale_background(task); /* twice */
        assert_int_equal(trale_run(*state), 0);
        end(task);
    }
}

static void test_trale_run_waits_for_all_other_tasks(void **state)
{
    _Atomic int n_dropped = 0;
    struct trale_task *background = trale_spawn(*state, sleeper, .duration_ns = HOUR);
    struct trale_task *done = trale_spawn(*state, sleeper, .duration_ns = 0);
    trale_background(background);
    assert_int_equal(trale_join(trale_task_clone(done)), 7);
    trale_background(done);
    trale_background(NULL);
    assert_int_equal(trale_join(done), 7);
    for (int i = 0; i < 5; i++)
        trale_detach(trale_spawn(*state, sleeper, .duration_ns = 2 * TRALE_MILLISECOND, .n_dropped = &n_dropped));
    assert_int_equal(trale_run(*state), 0);
    assert_int_equal(n_dropped, 5);
    end(background);
}

static void *background_thread(void *task)
{
    usleep(5000);
    trale_background(task);
    trale_detach(task);
    return NULL;
}

static void test_another_thread_ends_a_run_that_waits(void **state)
{
    TEST_REAL_ONLY("another thread has no part in a simulation");
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        struct trale_task *task = trale_spawn(*state, sleeper, .duration_ns = HOUR);
        assert_int_equal(pthread_create(&thread, NULL, background_thread, trale_task_clone(task)), 0);
        assert_int_equal(trale_run(*state), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        end(task);
    }
}

/* Spawns a task that it puts in the background, and one that it does not; is itself in the background. */
struct parent {
    struct trale_future future;
    struct trale_task *own;
    struct trale_task **kept;
    _Atomic int *n_dropped;
    struct trale_sleep sleep;
};

trale_async(parent)
{
    trale_begin();
    trale_background(self->own);
    trale_detach(self->own);
    *self->kept = trale_spawn(cx->runtime, sleeper, .duration_ns = HOUR);
    trale_background(*self->kept);
    trale_await(trale_sleep(&self->sleep, 2 * TRALE_MILLISECOND));
    trale_detach(trale_spawn(cx->runtime, sleeper, .duration_ns = TRALE_MILLISECOND, .n_dropped = self->n_dropped));
    trale_return(0);
}

struct starter {
    struct trale_future future;
    struct trale_task **kept;
    _Atomic int *n_dropped;
    struct trale_join_future join;
};

trale_async(starter)
{
    trale_begin();
    struct trale_task *task = trale_spawn(cx->runtime, parent, .kept = self->kept, .n_dropped = self->n_dropped);
    trale_background(task);
    trale_await(trale_join_future(&self->join, task));
    trale_return(trale_result());
}

static void test_tasks_put_tasks_in_the_background_and_those_spawn_others_that_are_not(void **state)
{
    struct trale_task *kept = NULL;
    _Atomic int n_dropped = 0;
    trale_detach(trale_spawn(*state, starter, .kept = &kept, .n_dropped = &n_dropped));
    assert_int_equal(trale_run(*state), 0);
    assert_int_equal(n_dropped, 1);
    end(kept);
}

struct listing {
    int n_background, n_others;
};

static void list(void *data, const struct trale_task_info *task)
{
    struct listing *listing = data;
    if (strcmp(task->name, "sleeper") == 0) {
        listing->n_background += (int)task->background;
        listing->n_others += !task->background;
    }
}

static void add_text(void *data, const char *text)
{
    strncat(data, text, 4095 - strlen(data));
}

static void test_tasks_in_the_background_are_shown(void **state)
{
    struct listing listing = {0};
    struct trale_stats stats;
    char text[4096] = "";
    struct trale_task *tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = trale_spawn(*state, sleeper, .duration_ns = HOUR);
    trale_background(tasks[0]);
    trale_background(tasks[1]);
    assert_int_equal(trale_tasks(*state, list, &listing), 0);
    assert_int_equal(listing.n_background, 2);
    assert_int_equal(listing.n_others, 1);
    assert_int_equal(trale_dump(*state, add_text, text), 0);
    assert_non_null(strstr(text, "(sleeper): in the background, "));
    assert_int_equal(trale_stats(*state, &stats), 0);
    assert_int_equal(stats.n_tasks, 1);
    for (int i = 0; i < 3; i++)
        end(tasks[i]);
}

static void test_closing_drops_tasks_in_the_background(void **state)
{
    (void)state;
    _Atomic int n_dropped = 0;
    struct trale *runtime = test_open("timer", TEST_TIMER);
    struct trale_task *task = trale_spawn(runtime, sleeper, .duration_ns = HOUR, .n_dropped = &n_dropped);
    trale_background(task);
    assert_int_equal(trale_run(runtime), 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(n_dropped, 1);
    trale_background(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trale_run_does_not_wait_for_a_task_in_the_background),
        cmocka_unit_test(test_trale_run_waits_for_all_other_tasks),
        cmocka_unit_test(test_another_thread_ends_a_run_that_waits),
        cmocka_unit_test(test_tasks_put_tasks_in_the_background_and_those_spawn_others_that_are_not),
        cmocka_unit_test(test_tasks_in_the_background_are_shown),
        cmocka_unit_test(test_closing_drops_tasks_in_the_background),
    };
    return cmocka_run_group_tests(tests, test_open_timer, test_close_runtime);
}
