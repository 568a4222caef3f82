/* SPDX-License-Identifier: MIT
 *
 * Where tasks wait in a simulation: what is said of a run that has hung or taken too long, and tasks that are aborted
 * at one of their awaits. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>

#include <trale/sim_report.h>
#include <trale/sync.h>

#include "tests/folder.h"
#include "tests/support.h"

/* The messages, and the end of the line that a thread waits for. */
static struct test_log messages;
static sem_t is_hung;

static void write_message(void *data, uint32_t level, const char *source, const char *message)
{
    test_log_write(data, level, source, message);
    if (strstr(message, ": hang after ") != NULL)
        sem_post(&is_hung);
}

static struct trale *open_sim(const char *options)
{
    char text[1024];
    struct trale *runtime = NULL;
    messages = (struct test_log){.length = 0};
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\nreport = %s\n%s",
             TEST_DRIVERS, in_folder("report"), options);
    assert_int_equal(
        trale_open(&runtime, &(struct trale_options){.config_text = text, .log = write_message, .log_data = &messages}),
        0);
    return runtime;
}

/* Closes the runtime and reads its report. */
static struct trale_sim_report close_sim(struct trale *runtime)
{
    struct trale_sim_report report = {0};
    assert_int_equal(trale_close(runtime), 0);
    int fd = open(in_folder("report"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &report, sizeof report), sizeof report);
    close(fd);
    return report;
}

/* --- a run that hangs --------------------------------------------------------------------------------------------- */

struct inner {
    struct trale_future future;
    struct trale_notify *notify;
    struct trale_notify_wait wait;
};

trale_async(inner)
{
    trale_begin();
    trale_await(trale_notify_wait(&self->wait, self->notify));
    trale_return(0);
}

struct outer {
    struct trale_future future;
    struct trale_notify *notify;
    struct trale_join_future join;
    struct trale_task *inner;
};

trale_async(outer)
{
    trale_begin();
    trale_await(trale_join_future(&self->join, trale_spawn(cx->runtime, inner, .notify = self->notify)));
    trale_return(trale_result());
}

static void *abort_after_hang(void *task)
{
    while (sem_wait(&is_hung) < 0)
        ;
    trale_abort(task);
    return NULL;
}

static void test_a_hang_says_which_task_waits_for_which(void **state)
{
    (void)state;
    struct trale_notify notify = TRALE_NOTIFY;
    struct trale *runtime = open_sim("");
    struct trale_task *task = trale_spawn(runtime, outer, .notify = &notify);
    struct trale_task *aborted = trale_task_clone(task);
    pthread_t thread;
    assert_int_equal(sem_init(&is_hung, 0, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, abort_after_hang, aborted), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
    pthread_join(thread, NULL);
    trale_detach(aborted);
    struct trale_sim_report report = close_sim(runtime);
    assert_non_null(strstr(report.failure, "inner waits for trale_notify_wait at "));
    assert_non_null(strstr(report.failure, "test_sim_waits.c:"));
    assert_non_null(strstr(report.failure, ": trale_notify_wait("));
    static const char *const lines[] = {"0 sim: seed 1: hang after 0.000000000 s, ",
                                        "0 sim: task 1 (outer) waits for task 2 (inner):\n0 sim:     outer at ",
                                        "0 sim:     trale_join_future for task 2 (inner)\n",
                                        "0 sim: task 2 (inner) waits:\n0 sim:     inner at ",
                                        "0 sim:     trale_notify_wait\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(messages.text, lines[i]) == NULL)
            fail_msg("wanted \"%s\":\n%s", lines[i], messages.text);
    sem_destroy(&is_hung);
}

/* --- a run that takes too long ------------------------------------------------------------------------------------ */

static void test_at_the_time_limit_all_tasks_are_shown_and_aborted(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("time_limit = 1s\n");
    struct trale_sleep sleep;
    uint64_t began = trale_now(runtime);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_SECOND)), 0);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 1)), -ECANCELED);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_SECOND)), -ECANCELED);
    assert_int_equal(trale_now(runtime) - began, TRALE_SECOND);
    assert_int_equal(close_sim(runtime).outcome, TRALE_SIM_TIME_LIMIT);
    assert_non_null(strstr(messages.text, "0 sim: seed 1: time limit after 1.000000000 s, "));
    assert_non_null(strstr(messages.text, "(trale_sleep) waits:\n0 sim:     trale_sleep\n"));
}

struct spinner {
    struct trale_future future;
    uint64_t until_ns;
};

/* Never waits, until the world's clock has reached a time. */
trale_async(spinner)
{
    trale_begin();
    while (trale_now(cx->runtime) < self->until_ns)
        trale_yield();
    trale_return(0);
}

static void test_the_time_limit_ends_a_task_that_never_waits(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("time_limit = 20ms");
    struct trale_task *task = trale_spawn(runtime, spinner, .until_ns = UINT64_MAX);
    assert_int_equal(trale_join(task), -ECANCELED);
    struct trale_sim_report report = close_sim(runtime);
    assert_int_equal(report.outcome, TRALE_SIM_TIME_LIMIT);
    assert_in_range(report.virtual_ns, 20 * TRALE_MILLISECOND, 21 * TRALE_MILLISECOND);
}

/* --- an abort at each await --------------------------------------------------------------------------------------- */

#define N_SLEEPS 5

struct sleeper {
    struct trale_future future;
    int *n_slept;
    int i;
    struct trale_sleep sleep;
};

trale_async(sleeper)
{
    trale_begin();
    for (self->i = 0; self->i < N_SLEEPS; self->i++) {
        trale_await(trale_sleep(&self->sleep, TRALE_MILLISECOND));
        ++*self->n_slept;
    }
    trale_return(1);
}

/* Runs `n_tasks` sleepers, one after the other, and returns what the last one was joined with. */
static int64_t sleep_with(int64_t await, int n_tasks, int *n_slept, struct trale_sim_report *report)
{
    char options[64];
    int64_t result = 0;
    snprintf(options, sizeof options, "cancel_task = sleeper\ncancel_await = %lld\n", (long long)await);
    struct trale *runtime = open_sim(options);
    *n_slept = 0;
    for (int i = 0; i < n_tasks; i++)
        result = trale_join(trale_spawn(runtime, sleeper, .n_slept = n_slept));
    *report = close_sim(runtime);
    return result;
}

static void test_a_task_is_aborted_at_each_of_its_awaits_in_turn(void **state)
{
    (void)state;
    struct trale_sim_report report;
    int n_slept;
    assert_int_equal(sleep_with(0, 1, &n_slept, &report), 1);
    assert_int_equal(report.n_awaits, N_SLEEPS);
    assert_null(strstr(messages.text, "aborted"));
    for (int64_t await = 1; await <= N_SLEEPS; await++) {
        char line[128];
        assert_int_equal(sleep_with(await, 1, &n_slept, &report), -ECANCELED);
        assert_int_equal(report.n_awaits, await);
        assert_int_equal(n_slept, await - 1);
        assert_int_equal(report.outcome, TRALE_SIM_CLOSED);
        snprintf(line, sizeof line, "1 sim: task 1 (sleeper) is aborted at await %lld: sleeper waits for ",
                 (long long)await);
        assert_non_null(strstr(messages.text, line));
    }
    assert_int_equal(sleep_with(N_SLEEPS + 1, 1, &n_slept, &report), 1);
}

static void test_awaits_of_tasks_with_one_name_are_counted_together(void **state)
{
    (void)state;
    struct trale_sim_report report;
    int n_slept;
    assert_int_equal(sleep_with(N_SLEEPS + 2, 2, &n_slept, &report), -ECANCELED);
    assert_int_equal(n_slept, N_SLEEPS + 1);
    assert_non_null(strstr(messages.text, "task 2 (sleeper) is aborted at await 7: "));
}

#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_a_hang_says_which_task_waits_for_which),
        TEST_IN_FOLDER(test_at_the_time_limit_all_tasks_are_shown_and_aborted),
        TEST_IN_FOLDER(test_the_time_limit_ends_a_task_that_never_waits),
        TEST_IN_FOLDER(test_a_task_is_aborted_at_each_of_its_awaits_in_turn),
        TEST_IN_FOLDER(test_awaits_of_tasks_with_one_name_are_counted_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
