/* SPDX-License-Identifier: MIT
 *
 * What a runtime says of its tasks and of itself, in the thread layout that the environment names. */
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include <trale/blocking.h>
#include <trale/sync.h>

#include "tests/support.h"

static int open_runtime(void **state)
{
    *state = test_open("", "");
    return 0;
}

static int close_runtime(void **state)
{
    return trale_close(*state);
}

/* Yields, then waits. */
struct waiter {
    struct trale_future future;
    struct trale_semaphore *semaphore;
    struct trale_semaphore_acquire acquire;
    int n_yields;
};

trale_async(waiter)
{
    trale_begin();
    while (self->n_yields-- > 0)
        trale_yield();
    trale_await(trale_semaphore_acquire(&self->acquire, self->semaphore, 1));
    trale_return(trale_result());
}

/* Every task that was there before has had `n` turns. */
static void turns(struct trale *runtime, int n)
{
    struct trale_semaphore one = TRALE_SEMAPHORE(1);
    struct waiter turn;
    assert_int_equal(trale_block_on(runtime, trale_call(waiter, &turn, .semaphore = &one, .n_yields = n)), 0);
}

static void find_waiter(void *data, const struct trale_task_info *task)
{
    if (strcmp(task->name, "waiter") == 0)
        *(struct trale_task_info *)data = *task;
}

static void test_a_task_s_polls_and_wakes_are_counted(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_task *task = trale_spawn(*state, waiter, .semaphore = &semaphore, .n_yields = 3);
    turns(*state, 5);
    struct trale_task_info found = {0};
    assert_int_equal(trale_tasks(*state, find_waiter, &found), 0);
    assert_int_equal(found.size, sizeof found);
    assert_int_equal(found.n_polls, 4);
    assert_int_equal(found.n_wakes, 3);
    assert_int_equal(found.poll_ns, 0); /* not measured */
    assert_int_equal(found.runnable, 0);
    trale_semaphore_release(&semaphore, 1);
    assert_int_equal(trale_join(task), 0);
}

struct text {
    char text[4096];
};

static void text_add(void *data, const char *piece)
{
    struct text *text = data;
    strncat(text->text, piece, sizeof text->text - strlen(text->text) - 1);
}

static void test_a_dump_shows_every_task_with_its_await_chain(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_task *tasks[2];
    for (int i = 0; i < 2; i++)
        tasks[i] = trale_spawn(*state, waiter, .semaphore = &semaphore, .n_yields = i);
    turns(*state, 3);
    struct text text = {""};
    assert_int_equal(trale_dump(*state, text_add, &text), 0);
    assert_non_null(strstr(text.text, "idle, 1 polls, 0 wakes, 0 ns\nwaiter at "));
    assert_non_null(strstr(text.text, "idle, 2 polls, 1 wakes, 0 ns\nwaiter at "));
    assert_non_null(strstr(text.text, "awaiting trale_semaphore_acquire(&self->acquire, self->semaphore, 1)\n"
                                      "trale_semaphore_acquire\n"));
    trale_semaphore_release(&semaphore, 2);
    for (int i = 0; i < 2; i++)
        trale_join(tasks[i]);
}

static void test_a_task_is_named_as_its_function_or_as_it_was_named_last(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_task *task = trale_spawn(*state, waiter, .semaphore = &semaphore);
    assert_string_equal(trale_task_name(task), "waiter");
    trale_task_set_name(task, "first");
    trale_task_set_name(task, "waiter of room 2");
    trale_task_set_name(task, NULL);
    assert_string_equal(trale_task_name(task), "waiter of room 2");
    turns(*state, 2);
    struct text text = {""};
    assert_int_equal(trale_dump(*state, text_add, &text), 0);
    assert_non_null(strstr(text.text, " (waiter of room 2): idle, 1 polls, 0 wakes, 0 ns\nwaiter at "));
    struct trale_task_info found = {0};
    assert_int_equal(trale_tasks(*state, find_waiter, &found), 0);
    assert_int_equal(found.n_polls, 0); /* none is called "waiter" any more */
    trale_semaphore_release(&semaphore, 1);
    turns(*state, 3); /* it is done, and has its name until the handle is given up */
    assert_string_equal(trale_task_name(task), "waiter of room 2");
    assert_int_equal(trale_join(task), 0);
    assert_null(trale_task_name(NULL));
    trale_task_set_name(NULL, "nothing");
}

static void test_statistics_count_what_has_happened(void **state)
{
    struct trale_semaphore semaphore = TRALE_SEMAPHORE(0);
    struct trale_stats before, after;
    assert_int_equal(trale_stats(*state, &before), 0);
    assert_int_equal(before.size, sizeof before);
    struct trale_task *task = trale_spawn(*state, waiter, .semaphore = &semaphore, .n_yields = 3);
    turns(*state, 5);
    assert_int_equal(trale_stats(*state, &after), 0);
    assert_int_equal(after.n_tasks, before.n_tasks + 1);
    /* The task, the turns, and the question itself. */
    assert_int_equal(after.n_spawned, before.n_spawned + 3);
    assert_int_equal(after.n_polls, before.n_polls + 4 + 6 + 1);
    assert_true(after.n_rounds > before.n_rounds);
    assert_int_equal(after.poll_ns, 0);
    assert_int_equal(after.n_stalls, 0);
    trale_semaphore_release(&semaphore, 1);
    trale_join(task);
}

static void test_a_caller_that_knows_more_or_less_gets_what_there_is(void **state)
{
    struct {
        struct trale_stats known;
        uint64_t later;
    } more;
    memset(&more, 0xff, sizeof more);
    assert_int_equal(trale_stats_sized(*state, &more.known, sizeof more), 0);
    assert_int_equal(more.later, 0);
    assert_int_equal(more.known.size, sizeof more.known);
    uint64_t less[3] = {1, 1, 1};
    assert_int_equal(trale_stats_sized(*state, (struct trale_stats *)(void *)less, 16), 0);
    assert_int_equal(less[2], 1);
}

/* Asks from inside a task of another runtime, on which a task of this one has blocked. */
struct distant {
    struct trale_future future;
    struct trale *asked;
};

static void count_task(void *data, const struct trale_task_info *task)
{
    (void)task;
    ++*(int *)data;
}

trale_async(distant)
{
    trale_begin();
    struct trale_stats stats;
    int n_tasks = 0;
    int r = trale_tasks(self->asked, count_task, &n_tasks);
    if (r == 0)
        r = trale_stats(self->asked, &stats);
    trale_return(r < 0 ? r : n_tasks);
}

struct blocker {
    struct trale_future future;
    struct trale *other;
    struct distant distant;
};

trale_async(blocker)
{
    trale_begin();
    trale_return(trale_block_on(self->other, trale_call(distant, &self->distant, .asked = cx->runtime)));
}

static void test_a_task_that_blocks_on_another_runtime_can_be_asked_about_from_there(void **state)
{
    char text[] = "[runtime]\ndrivers =\nthreads = 0\n";
    struct trale *other;
    assert_int_equal(trale_open(&other, &(struct trale_options){.config_text = text}), 0);
    struct blocker blocker;
    assert_int_equal(trale_block_on(*state, trale_call(blocker, &blocker, .other = other)), 1);
    trale_close(other);
}

/* Asks from inside, and computes for so long. */
struct busy {
    struct trale_future future;
    struct trale_stats stats;
    uint64_t duration_ns;
    const _Atomic bool *until;
};

trale_async(busy)
{
    trale_begin();
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((uint64_t)(now.tv_sec - begin.tv_sec) * TRALE_SECOND + (uint64_t)now.tv_nsec <
               (uint64_t)begin.tv_nsec + self->duration_ns ||
           (self->until != NULL && !atomic_load(self->until)));
    trale_yield();
    trale_return(trale_stats(cx->runtime, &self->stats));
}

static struct trale *open_with(const char *settings, struct test_log *log)
{
    char text[512];
    snprintf(text, sizeof text, "[runtime]\nthreads = %d\n%s\n", test_threads(), settings);
    struct trale *runtime;
    struct trale_options options = {.config_text = text, .log = log != NULL ? test_log_write : NULL, .log_data = log};
    assert_int_equal(trale_open(&runtime, &options), 0);
    return runtime;
}

static void test_time_in_poll_is_measured_where_that_is_asked_for(void **state)
{
    (void)state;
    struct trale *runtime = open_with("poll_times = yes", NULL);
    struct busy frame;
    assert_int_equal(trale_block_on(runtime, trale_call(busy, &frame, .duration_ns = 2 * TRALE_MILLISECOND)), 0);
    assert_true(frame.stats.poll_ns >= 2 * TRALE_MILLISECOND);
    assert_true(frame.stats.longest_poll_ns >= 2 * TRALE_MILLISECOND);
    assert_true(frame.stats.longest_poll_ns <= frame.stats.poll_ns);
    trale_close(runtime);
}

/* A log that tells when something was said. */
/* On a busy machine any poll may take long: only the message that is expected counts. */
struct alarm {
    struct test_log log;
    const char *expected;
    _Atomic bool said;
};

static void alarm_write(void *data, uint32_t level, const char *source, const char *message)
{
    struct alarm *alarm = data;
    test_log_write(&alarm->log, level, source, message);
    if (strstr(message, alarm->expected) != NULL)
        atomic_store(&alarm->said, true);
}

static void test_the_watchdog_names_a_task_that_is_stuck_in_its_poll(void **state)
{
    (void)state;
    char text[256];
    static struct alarm alarm;
    alarm = (struct alarm){.expected = "(busy): its poll has taken longer than 5ms, and nothing else runs"};
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %d\nwatchdog = 5ms\n", test_threads());
    struct trale *runtime;
    struct trale_options options = {.config_text = text, .log = alarm_write, .log_data = &alarm};
    assert_int_equal(trale_open(&runtime, &options), 0);
    struct busy frame; /* it ends when the watchdog has barked, and six limits have passed */
    assert_int_equal(
        trale_block_on(runtime, trale_call(busy, &frame, .duration_ns = 30 * TRALE_MILLISECOND, .until = &alarm.said)),
        0);
    assert_int_equal(frame.stats.n_stalls, 1);
    trale_close(runtime);
    assert_true(alarm.said);
    assert_non_null(strstr(alarm.log.text, "1 trale: task "));
}

/* Names a task that has not been polled yet. */
struct namer {
    struct trale_future future;
    struct trale_join_future join;
    const _Atomic bool *until;
    struct trale_task *task;
};

trale_async(namer)
{
    trale_begin();
    self->task = trale_spawn(cx->runtime, busy, .until = self->until);
    trale_task_set_name(self->task, "the busy one");
    trale_try(trale_join_future(&self->join, self->task));
    trale_return(0);
}

static void test_the_watchdog_calls_a_task_by_the_name_it_was_given(void **state)
{
    (void)state;
    static struct alarm alarm;
    alarm = (struct alarm){.expected = "(the busy one): its poll has taken longer than 5ms"};
    char text[256];
    snprintf(text, sizeof text, "[runtime]\ndrivers =\nthreads = %d\nwatchdog = 5ms\n", test_threads());
    struct trale *runtime;
    struct trale_options options = {.config_text = text, .log = alarm_write, .log_data = &alarm};
    assert_int_equal(trale_open(&runtime, &options), 0);
    struct namer frame;
    assert_int_equal(trale_block_on(runtime, trale_call(namer, &frame, .until = &alarm.said)), 0);
    trale_close(runtime);
    assert_true(alarm.said);
}

/* Waits for ever; its cleanup function is busy until the watchdog has barked. */
struct slow {
    struct trale_future future;
    struct trale_semaphore *never;
    struct trale_semaphore_acquire acquire;
    const _Atomic bool *until;
};

static void slow_close(struct slow *self)
{
    while (!atomic_load(self->until))
        sched_yield();
}

trale_async_with(slow, slow_close)
{
    trale_begin();
    trale_await(trale_semaphore_acquire(&self->acquire, self->never, 1));
    trale_return(0);
}

static _Atomic bool has_begun;

static int64_t run_until(void *said)
{
    atomic_store(&has_begun, true);
    while (!atomic_load((const _Atomic bool *)said))
        sched_yield();
    return 0;
}

struct slow_call {
    struct trale_future future;
    struct trale_blocking work;
    _Atomic bool *until;
};

trale_async(slow_call)
{
    trale_begin();
    trale_await(trale_blocking(&self->work, run_until, self->until, NULL));
    trale_return(0);
}

static void test_the_watchdog_names_what_takes_long_to_drop_or_to_stop(void **state)
{
    (void)state;
    static struct alarm alarm;
    struct trale_semaphore never = TRALE_SEMAPHORE(0);
    const char *const expected[] = {"(slow): its drop has taken longer than 5ms",
                                    "(slow): its drop has taken longer than 5ms",
                                    "driver blocking: its stop has taken longer than 5ms"};
    for (int i = 0; i < 3; i++) {
        struct trale *runtime;
        char text[512];
        alarm = (struct alarm){.expected = expected[i]};
        snprintf(text, sizeof text,
                 "[runtime]\ndrivers = blocking\nthreads = %d\nwatchdog = 5ms\ndrivers_folder = %s\n"
                 "[driver:blocking]\npath = blocking.so\n",
                 test_threads(), TEST_DRIVERS);
        struct trale_options options = {.config_text = text, .log = alarm_write, .log_data = &alarm};
        assert_int_equal(trale_open(&runtime, &options), 0);
        struct trale_task *task = i < 2 ? trale_spawn(runtime, slow, .never = &never, .until = &alarm.said)
                                        : trale_spawn(runtime, slow_call, .until = &alarm.said);
        turns(runtime, 1);
        while (i == 2 && !atomic_load(&has_begun))
            sched_yield();
        if (i == 0) {
            trale_abort(task);
            assert_int_equal(trale_join(task), -ECANCELED);
        } else {
            trale_detach(task);
        }
        assert_int_equal(trale_close(runtime), 0);
        assert_true(alarm.said);
    }
}

static void test_a_runtime_that_is_idle_does_not_make_the_watchdog_bark(void **state)
{
    (void)state;
    struct test_log log = {.length = 0};
    struct trale *runtime = open_with("watchdog = 100ms", &log);
    struct trale_stats stats;
    /* Many short polls, and then three limits of nothing to do. */
    turns(runtime, 100);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    assert_int_equal(trale_stats(runtime, &stats), 0);
    trale_close(runtime);
    assert_int_equal(stats.n_stalls, 0);
}

static void test_a_watchdog_without_a_sense_is_refused(void **state)
{
    (void)state;
    struct test_log log = {.length = 0};
    struct trale *runtime;
    struct trale_options options = {
        .config_text = "[runtime]\nwatchdog = 2h\npoll_times = maybe\n", .log = test_log_write, .log_data = &log};
    assert_int_equal(trale_open(&runtime, &options), -EINVAL);
    assert_non_null(strstr(log.text, "watchdog = 2h"));
    assert_non_null(strstr(log.text, "poll_times = maybe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_s_polls_and_wakes_are_counted),
        cmocka_unit_test(test_a_dump_shows_every_task_with_its_await_chain),
        cmocka_unit_test(test_a_task_is_named_as_its_function_or_as_it_was_named_last),
        cmocka_unit_test(test_statistics_count_what_has_happened),
        cmocka_unit_test(test_a_caller_that_knows_more_or_less_gets_what_there_is),
        cmocka_unit_test(test_a_task_that_blocks_on_another_runtime_can_be_asked_about_from_there),
        cmocka_unit_test(test_time_in_poll_is_measured_where_that_is_asked_for),
        cmocka_unit_test(test_the_watchdog_names_a_task_that_is_stuck_in_its_poll),
        cmocka_unit_test(test_the_watchdog_calls_a_task_by_the_name_it_was_given),
        cmocka_unit_test(test_the_watchdog_names_what_takes_long_to_drop_or_to_stop),
        cmocka_unit_test(test_a_runtime_that_is_idle_does_not_make_the_watchdog_bark),
        cmocka_unit_test(test_a_watchdog_without_a_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
