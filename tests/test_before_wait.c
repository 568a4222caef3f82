/* SPDX-License-Identifier: MIT
 *
 * What drivers answer before the executor sleeps, in each thread layout. */
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <trale/fd.h>

#include "tests/drivers/hook.h"
#include "tests/support.h"

#define HOUR_NS (3600 * TRALE_SECOND)

/* A runtime with the drivers in that order: `hook`, which the test answers for, and `clock`, whose time moves on when
 * nothing is runnable. */
static struct trale *open_with(const char *drivers)
{
    char text[1024];
    struct trale *runtime = NULL;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = %s\nthreads = %d\ndrivers_folder = %s\n"
             "[driver:hook]\npath = hook.so\n[driver:clock]\npath = simulated_timer.so\n",
             drivers, test_threads(), TEST_FLAWED_DRIVERS);
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text}), 0);
    return runtime;
}

/* What the hook answers, and what it has heard. */
struct answers {
    uint64_t answer_ns;
    int n_asked_idle;                /* how often it was asked, with idle = 1 */
    int n_asked_idle_max;            /* then it wakes `waker` */
    const struct trale_waker *waker; /* NULL: nothing waits for the hook */
};

static uint64_t answer(void *data, uint32_t idle)
{
    struct answers *answers = data;
    if (!idle)
        return UINT64_MAX;
    answers->n_asked_idle++;
    if (answers->waker == NULL || answers->n_asked_idle < answers->n_asked_idle_max)
        return answers->answer_ns;
    const struct trale_waker *waker = answers->waker;
    answers->waker = NULL;
    waker->table->wake(waker);
    return UINT64_MAX;
}

/* Waits until the hook was asked n_asked_idle_max times. */
struct awaited {
    struct trale_future future;
    struct answers *answers;
};

static int64_t awaited_poll(struct trale_future *future, struct trale_context *context)
{
    struct answers *answers = ((struct awaited *)(void *)future)->answers;
    if (answers->n_asked_idle >= answers->n_asked_idle_max)
        return 0;
    if (answers->waker == NULL) {
        answers->n_asked_idle = 0;
        answers->waker = context->waker->table->clone(context->waker);
    }
    return TRALE_PENDING;
}

static void awaited_drop(struct trale_future *future)
{
    struct answers *answers = ((struct awaited *)(void *)future)->answers;
    if (answers->waker != NULL)
        answers->waker->table->drop(answers->waker);
    answers->waker = NULL;
}

static const struct trale_future_type awaited_type = {sizeof awaited_type, TRALE_ABI, "awaited", awaited_poll,
                                                      awaited_drop};

/* Sleeps an hour three times; or, without the clock, waits for the hook. */
struct asker {
    struct trale_future future;
    struct answers *answers;
    bool sleeps;
    int i, n_asked_idle;
    struct trale_sleep sleep;
    struct awaited awaited;
};

trale_async(asker)
{
    trale_begin();
    const struct hook *hook = trale_interface(cx->runtime, "org.example.hook/1", sizeof *hook);
    hook->set_answer(hook->interface.instance, answer, self->answers);
    for (self->i = 0; self->sleeps && self->i < 3; self->i++)
        trale_try(trale_sleep(&self->sleep, HOUR_NS));
    self->n_asked_idle = self->answers->n_asked_idle;
    if (!self->sleeps)
        trale_await(trale_call(awaited, &self->awaited, .answers = self->answers));
    hook = trale_interface(cx->runtime, "org.example.hook/1", sizeof *hook);
    hook->set_answer(hook->interface.instance, NULL, NULL);
    trale_return(self->n_asked_idle);
}

static int64_t run(const char *drivers, bool sleeps, struct answers *answers)
{
    struct asker asker;
    struct trale *runtime = open_with(drivers);
    int64_t result = trale_block_on(runtime, trale_call(asker, &asker, .answers = answers, .sleeps = sleeps));
    assert_int_equal(trale_close(runtime), 0);
    return result;
}

static void test_a_driver_hears_of_a_task_that_the_driver_before_it_has_just_woken(void **state)
{
    (void)state;
    struct answers answers = {.answer_ns = UINT64_MAX};
    assert_int_equal(run("clock, hook", true, &answers), 0);
}

static void test_a_driver_that_is_asked_first_hears_that_nothing_is_runnable(void **state)
{
    (void)state;
    struct answers answers = {.answer_ns = UINT64_MAX};
    assert_int_equal(run("hook, clock", true, &answers), 3);
}

static void test_a_driver_that_answers_0_is_asked_again(void **state)
{
    (void)state;
    struct answers answers = {.answer_ns = 0, .n_asked_idle_max = 100};
    assert_int_equal(run("hook", false, &answers), 0);
    assert_int_equal(answers.n_asked_idle, 100);
}

static void test_the_executor_sleeps_no_longer_than_a_driver_allows(void **state)
{
    (void)state;
    struct timespec before, after;
    struct answers answers = {.answer_ns = 3 * TRALE_MILLISECOND + 1, .n_asked_idle_max = 10};
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(run("hook, clock", false, &answers), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(answers.n_asked_idle, 10);
    /* Between the first question and the tenth it has slept. */
    assert_true((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 27000000);
}

static void test_a_limit_of_centuries_is_a_sleep_that_a_wake_ends(void **state)
{
    (void)state;
    const uint64_t limits[] = {INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct answers answers = {.answer_ns = limits[i], .n_asked_idle_max = 1000000};
        struct trale *runtime = open_with("hook");
        struct trale_task *task = trale_spawn(runtime, asker, .answers = &answers);
        struct trale_stats stats;
        /* Each of these calls ends a sleep of the executor, or is polled by the caller. */
        for (int j = 0; j < 10; j++)
            assert_int_equal(trale_stats(runtime, &stats), 0);
        trale_abort(task);
        assert_int_equal(trale_join(task), -ECANCELED);
        assert_int_equal(trale_close(runtime), 0);
    }
}

/* Makes an fd ready for which another task waits, and is woken by before_wait from then on: that is polled without a
 * look at the reactor, but not for ever. */
struct starver {
    struct trale_future future;
    struct answers *answers;
    const bool *is_over;
    int fd, n;
    struct awaited awaited;
};

trale_async(starver)
{
    trale_begin();
    const struct hook *hook = trale_interface(cx->runtime, "org.example.hook/1", sizeof *hook);
    hook->set_answer(hook->interface.instance, answer, self->answers);
    if (write(self->fd, "x", 1) < 0)
        trale_return(-errno);
    for (self->n = 0; self->n < 100000 && !*self->is_over; self->n++) {
        self->answers->n_asked_idle = 0;
        trale_await(trale_call(awaited, &self->awaited, .answers = self->answers));
    }
    hook = trale_interface(cx->runtime, "org.example.hook/1", sizeof *hook);
    hook->set_answer(hook->interface.instance, NULL, NULL);
    trale_return(self->n);
}

struct reader {
    struct trale_future future;
    int fd;
    bool *is_over;
    struct trale_fd_wait wait;
};

trale_async(reader)
{
    trale_begin();
    trale_await(trale_fd_wait(&self->wait, self->fd, TRALE_READABLE));
    *self->is_over = true;
    trale_return(trale_result());
}

static void test_tasks_that_before_wait_wakes_do_not_keep_others_from_the_reactor(void **state)
{
    (void)state;
    bool is_over = false;
    int pipes[2];
    struct answers answers = {.answer_ns = UINT64_MAX, .n_asked_idle_max = 1};
    struct trale *runtime = open_with("hook");
    assert_int_equal(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
    struct trale_task *reading = trale_spawn(runtime, reader, .fd = pipes[0], .is_over = &is_over);
    struct trale_task *starving = trale_spawn(runtime, starver, .answers = &answers, .is_over = &is_over,
                                              .fd = pipes[1]);
    assert_int_equal(trale_join(reading), TRALE_READABLE);
    int64_t n = trale_join(starving);
    if (test_threads() != 2) /* there another thread looks, when the kernel lets it */
        assert_in_range(n, 1, 2 * TRALE_EVENT_INTERVAL);
    assert_int_equal(trale_fd_forget(runtime, pipes[0]), 0);
    assert_int_equal(trale_close(runtime), 0);
    close(pipes[0]);
    close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_hears_of_a_task_that_the_driver_before_it_has_just_woken),
        cmocka_unit_test(test_a_driver_that_is_asked_first_hears_that_nothing_is_runnable),
        cmocka_unit_test(test_a_driver_that_answers_0_is_asked_again),
        cmocka_unit_test(test_the_executor_sleeps_no_longer_than_a_driver_allows),
        cmocka_unit_test(test_a_limit_of_centuries_is_a_sleep_that_a_wake_ends),
        cmocka_unit_test(test_tasks_that_before_wait_wakes_do_not_keep_others_from_the_reactor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
