/* SPDX-License-Identifier: MIT
 *
 * The timer driver, through the runtime, in the thread layout that the environment names. */
#include <stdatomic.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support.h"

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * TRALE_SECOND + (uint64_t)now.tv_nsec;
}

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t duration_ns;
    uint64_t began_ns;
    int id;
    _Atomic int *n_early, *n_done;
};

trale_async(sleeper)
{
    trale_begin();
    self->began_ns = trale_now(cx->runtime);
    trale_await(trale_sleep(&self->sleep, self->duration_ns));
    if (self->n_early != NULL && trale_now(cx->runtime) - self->began_ns < self->duration_ns)
        (*self->n_early)++;
    if (self->n_done != NULL)
        (*self->n_done)++;
    trale_return(trale_result());
}

static void test_now_is_the_monotonic_clock(void **state)
{
    TEST_REAL_ONLY("the clocks are those of the world, and not the machine's");
    uint64_t before = clock_ns(CLOCK_MONOTONIC), now = trale_now(*state), after = clock_ns(CLOCK_MONOTONIC);
    assert_true(before <= now && now <= after);
}

static void test_sleeps_overlap_and_are_never_early(void **state)
{
    uint64_t began = trale_now(*state);
    struct trale_task *a = trale_spawn(*state, sleeper, .duration_ns = 100 * TRALE_MILLISECOND);
    struct trale_task *b = trale_spawn(*state, sleeper, .duration_ns = 100 * TRALE_MILLISECOND);
    struct trale_task *c = trale_spawn(*state, sleeper, .duration_ns = 100 * TRALE_MILLISECOND);
    assert_int_equal(trale_join(a), 0);
    assert_int_equal(trale_join(b), 0);
    assert_int_equal(trale_join(c), 0);
    uint64_t took = trale_now(*state) - began;
    assert_true(took >= 100 * TRALE_MILLISECOND);
    /* One after the other would be 300 ms: what separates is not a limit of time but the order of magnitude. */
    assert_true(took < 3 * 100 * TRALE_MILLISECOND);
}

static void test_many_random_sleeps_are_never_early(void **state)
{
    _Atomic int n_early = 0, n_done = 0;
    unsigned seed = 7;
    for (int i = 0; i < 5000; i++) {
        seed = seed * 1103515245 + 12345;
        trale_detach(trale_spawn(*state, sleeper, .duration_ns = (seed >> 8) % (20 * TRALE_MILLISECOND),
                                 .n_early = &n_early, .n_done = &n_done));
    }
    assert_int_equal(trale_run(*state), 0);
    assert_int_equal(n_done, 5000);
    assert_int_equal(n_early, 0);
}

static void test_tiny_sleeps_all_end(void **state)
{
    _Atomic int n_early = 0, n_done = 0;
    for (int round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 1000; i++)
            trale_detach(trale_spawn(*state, sleeper, .duration_ns = i % 3000, .n_early = &n_early, .n_done = &n_done));
        assert_int_equal(trale_run(*state), 0);
    }
    assert_int_equal(n_done, 20000);
    assert_int_equal(n_early, 0);
}

struct runner {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t deadline_ns;
    int id;
    _Atomic int *n_done, *order;
};

trale_async(runner)
{
    trale_begin();
    trale_await(trale_sleep_until(&self->sleep, self->deadline_ns));
    self->order[(*self->n_done)++] = self->id;
    trale_return(trale_result());
}

static void test_sleepers_wake_in_the_order_of_their_deadlines(void **state)
{
    _Atomic int n_done = 0, order[4];
    /* Late enough for all to be in the queue before the first is due, also on a busy machine. */
    uint64_t base_ns = trale_now(*state) + 200 * TRALE_MILLISECOND;
    const uint64_t after_ms[] = {3, 1, 4, 2};
    for (int i = 0; i < 4; i++)
        trale_detach(trale_spawn(*state, runner, .deadline_ns = base_ns + after_ms[i] * TRALE_MILLISECOND, .id = i,
                                 .n_done = &n_done, .order = order));
    assert_int_equal(trale_run(*state), 0);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 3);
    assert_int_equal(order[2], 0);
    assert_int_equal(order[3], 2);
}

static void test_zero_and_past_deadlines_resolve_at_once(void **state)
{
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, 0)), 0);
    assert_int_equal(trale_block_on(*state, trale_sleep_until(&sleep, 0)), 0);
    assert_int_equal(trale_block_on(*state, trale_sleep_until(&sleep, 1)), 0);
    assert_int_equal(trale_block_on(*state, trale_sleep_until(&sleep, trale_now(*state))), 0);
}

struct absurd {
    struct trale_future future;
    struct trale_branches race;
    struct trale_branch branch[4];
    struct trale_sleep sleep[4];
};

trale_async(absurd)
{
    trale_begin();
    self->branch[0].future = trale_sleep(&self->sleep[0], UINT64_MAX);
    self->branch[1].future = trale_sleep_until(&self->sleep[1], UINT64_MAX - 1);
    self->branch[2].future = trale_sleep_until(&self->sleep[2], (uint64_t)INT64_MAX + 1);
    self->branch[3].future = trale_sleep(&self->sleep[3], TRALE_MILLISECOND);
    trale_await(trale_race(&self->race, self->branch, 4));
    trale_return(trale_result());
}

static void test_absurd_deadlines_do_not_come_and_hurt_nobody(void **state)
{
    struct absurd frame;
    assert_int_equal(trale_block_on(*state, trale_call(absurd, &frame)), 3);
}

static void test_a_dropped_sleep_never_wakes(void **state)
{
    struct trale_task *tasks[500];
    for (unsigned i = 0; i < 500; i++)
        tasks[i] = trale_spawn(*state, sleeper, .duration_ns = (100 + i * 37 % 500) * 10 * TRALE_MICROSECOND);
    for (unsigned i = 0; i < 500; i++)
        if (i % 5 != 0)
            trale_abort(tasks[i]);
    for (unsigned i = 0; i < 500; i++) {
        int64_t result = trale_join(tasks[i]);
        assert_true(i % 5 == 0 ? result == 0 : (result == -ECANCELED || result == 0));
    }
    /* Their frames are freed: a timer that still knew one would be seen by the sanitizers in the next sleep. */
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, 7 * TRALE_MILLISECOND)), 0);
}

static void test_all_sleepers_share_one_fd(void **state)
{
    struct trale_task *tasks[1000];
    int before = test_count_fds();
    for (int i = 0; i < 1000; i++)
        tasks[i] = trale_spawn(*state, sleeper, .duration_ns = TRALE_SECOND * 3600);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    assert_int_equal(test_count_fds(), before);
    for (int i = 0; i < 1000; i++) {
        trale_abort(tasks[i]);
        assert_int_equal(trale_join(tasks[i]), -ECANCELED);
    }
}

static void test_a_hundred_thousand_sleeps_at_once(void **state)
{
    _Atomic int n_early = 0, n_done = 0;
    int n = getenv("TRALE_TEST_SMALL") != NULL ? 2000 : 100000;
    for (int i = 0; i < n; i++)
        trale_detach(trale_spawn(*state, sleeper, .duration_ns = 200 * TRALE_MILLISECOND, .n_early = &n_early,
                                 .n_done = &n_done));
    assert_int_equal(trale_run(*state), 0);
    assert_int_equal(n_done, n);
    assert_int_equal(n_early, 0);
}

struct ticking {
    struct trale_future future;
    struct trale_interval interval;
    struct trale_sleep sleep;
    uint64_t began_ns, period_ns;
    int64_t n_late, total;
    int n;
};

trale_async(ticking)
{
    trale_begin();
    self->period_ns = 2 * TRALE_MILLISECOND;
    self->began_ns = trale_now(cx->runtime);
    trale_interval_start(&self->interval, self->began_ns + self->period_ns, self->period_ns);
    for (self->n = 0; self->n < 5; self->n++) {
        trale_await(trale_tick(&self->interval));
        if (trale_result() < 1)
            trale_return(trale_result());
        self->total += trale_result();
        if (trale_now(cx->runtime) < self->began_ns + (uint64_t)self->total * self->period_ns)
            trale_return(-ERANGE);
    }
    /* Ten periods without an await: one tick counts them, and the phase stays. */
    trale_await(trale_sleep(&self->sleep, 10 * self->period_ns));
    trale_await(trale_tick(&self->interval));
    self->total += trale_result();
    if (trale_result() < 10)
        trale_return(-ENODATA);
    bool in_phase = self->interval.next_ns == self->began_ns + (uint64_t)(self->total + 1) * self->period_ns;
    trale_return(in_phase ? 0 : -EILSEQ);
}

static void test_an_interval_counts_missed_ticks_and_keeps_its_phase(void **state)
{
    struct ticking frame;
    assert_int_equal(trale_block_on(*state, trale_call(ticking, &frame)), 0);
}

struct limited {
    struct trale_future future;
    struct trale_timeout timeout;
    struct trale_sleep sleep;
    uint64_t duration_ns, limit_ns;
};

trale_async(limited)
{
    trale_begin();
    trale_await(trale_timeout(&self->timeout, trale_sleep(&self->sleep, self->duration_ns), self->limit_ns));
    trale_return(trale_result());
}

static void test_a_timeout_ends_what_takes_too_long(void **state)
{
    struct limited frame;
    test_make(trale_call(limited, &frame, .duration_ns = TRALE_SECOND * 60, .limit_ns = TRALE_MILLISECOND));
    assert_int_equal(trale_block_on(*state, &frame.future), -ETIMEDOUT);
    test_make(trale_call(limited, &frame, .duration_ns = TRALE_MILLISECOND, .limit_ns = TRALE_SECOND * 60));
    assert_int_equal(trale_block_on(*state, &frame.future), 0);
    test_make(trale_call(limited, &frame, .duration_ns = 0, .limit_ns = 0));
    assert_int_equal(trale_block_on(*state, &frame.future), 0);
    struct trale_task *task = trale_spawn(*state, limited, .duration_ns = TRALE_SECOND * 60, .limit_ns = UINT64_MAX);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

struct hog {
    struct trale_future future;
    _Atomic bool *stop;
};

trale_async(hog)
{
    trale_begin();
    while (!atomic_load(self->stop))
        trale_yield();
    trale_return(0);
}

static void test_a_task_that_always_yields_does_not_starve_timers(void **state)
{
    _Atomic bool stop = false;
    struct trale_task *task = trale_spawn(*state, hog, .stop = &stop);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, 2 * TRALE_MILLISECOND)), 0);
    atomic_store(&stop, true);
    assert_int_equal(trale_join(task), 0);
}

static void test_each_clock_measures_itself(void **state)
{
    (void)state;
    TEST_REAL_ONLY("the clocks are those of the world, and not the machine's");
    const struct {
        const char *name;
        clockid_t clock;
    } clocks[] = {{"monotonic", CLOCK_MONOTONIC}, {"boottime", CLOCK_BOOTTIME}, {"realtime", CLOCK_REALTIME}};
    for (size_t i = 0; i < 3; i++) {
        char section[128];
        snprintf(section, sizeof section, TEST_TIMER "clock = %s\n", clocks[i].name);
        struct trale *runtime = test_open("timer", section);
        uint64_t before = clock_ns(clocks[i].clock);
        struct trale_sleep sleep;
        assert_true(trale_now(runtime) >= before);
        assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 3 * TRALE_MILLISECOND)), 0);
        assert_true(clock_ns(clocks[i].clock) - before >= 3 * TRALE_MILLISECOND);
        assert_int_equal(trale_close(runtime), 0);
    }
}

static void test_without_a_timer_driver_a_sleep_says_so(void **state)
{
    (void)state;
    struct trale *runtime = test_open("", "");
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 1)), -ENODEV);
    assert_int_equal(trale_now(runtime), 0);
    assert_null(trale_timer(runtime));
    assert_int_equal(trale_close(runtime), 0);
}

static void test_runtimes_do_not_share_timers(void **state)
{
    struct trale *other = test_open("timer", TEST_TIMER);
    assert_ptr_not_equal(trale_timer(*state), trale_timer(other));
    struct trale_task *task = trale_spawn(other, sleeper, .duration_ns = TRALE_SECOND * 3600);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(other, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    assert_int_equal(trale_close(other), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
}

static void test_opening_and_closing_leaves_no_fd_behind(void **state)
{
    (void)state;
    int before = test_count_fds();
    for (int i = 0; i < 50; i++)
        assert_int_equal(trale_close(test_open("timer", TEST_TIMER)), 0);
    assert_int_equal(test_count_fds(), before);
}

static void test_with_slack_a_sleep_ends_with_those_that_come_soon_after(void **state)
{
    (void)state;
    struct trale *runtime = test_open("timer", TEST_TIMER "slack = 300ms\n");
    uint64_t base_ns = trale_now(runtime);
    static _Atomic int n_done, order[2];
    struct trale_task *late = trale_spawn(runtime, runner, .deadline_ns = base_ns + 250 * TRALE_MILLISECOND, .id = 1,
                                          .n_done = &n_done, .order = order);
    struct trale_task *soon = trale_spawn(runtime, runner, .deadline_ns = base_ns + 150 * TRALE_MILLISECOND,
                                          .n_done = &n_done, .order = order);
    assert_int_equal(trale_join(soon), 0);
    assert_true(trale_now(runtime) >= base_ns + 250 * TRALE_MILLISECOND);
    assert_int_equal(trale_join(late), 0);
    assert_int_equal(order[0], 0);
    assert_int_equal(order[1], 1);
    assert_int_equal(trale_close(runtime), 0);
}

/* With the clock of the process: what an idle runtime with a far deadline burns is nothing. */
static void test_an_idle_runtime_does_not_spin(void **state)
{
    struct trale_task *task = trale_spawn(*state, sleeper, .duration_ns = TRALE_SECOND * 3600);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    assert_int_equal(trale_block_on(*state, trale_sleep(&sleep, 300 * TRALE_MILLISECOND)), 0);
    assert_true(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 150 * TRALE_MILLISECOND);
    trale_abort(task);
    assert_int_equal(trale_join(task), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_now_is_the_monotonic_clock),
        cmocka_unit_test(test_sleeps_overlap_and_are_never_early),
        cmocka_unit_test(test_many_random_sleeps_are_never_early),
        cmocka_unit_test(test_tiny_sleeps_all_end),
        cmocka_unit_test(test_sleepers_wake_in_the_order_of_their_deadlines),
        cmocka_unit_test(test_zero_and_past_deadlines_resolve_at_once),
        cmocka_unit_test(test_absurd_deadlines_do_not_come_and_hurt_nobody),
        cmocka_unit_test(test_a_dropped_sleep_never_wakes),
        cmocka_unit_test(test_all_sleepers_share_one_fd),
        cmocka_unit_test(test_a_hundred_thousand_sleeps_at_once),
        cmocka_unit_test(test_an_interval_counts_missed_ticks_and_keeps_its_phase),
        cmocka_unit_test(test_a_timeout_ends_what_takes_too_long),
        cmocka_unit_test(test_a_task_that_always_yields_does_not_starve_timers),
        cmocka_unit_test(test_each_clock_measures_itself),
        cmocka_unit_test(test_with_slack_a_sleep_ends_with_those_that_come_soon_after),
        cmocka_unit_test(test_without_a_timer_driver_a_sleep_says_so),
        cmocka_unit_test(test_runtimes_do_not_share_timers),
        cmocka_unit_test(test_opening_and_closing_leaves_no_fd_behind),
        cmocka_unit_test(test_an_idle_runtime_does_not_spin),
    };
    return cmocka_run_group_tests(tests, test_open_timer, test_close_runtime);
}
