/* SPDX-License-Identifier: MIT
 *
 * What happens to sleeps when the wall clock is set. To see it, this sets the clock of the machine, an hour ahead and
 * back a moment later; so it runs alone, and only where $TRALE_TEST_SET_CLOCK says that it may. */
#include <sys/time.h>
#include <time.h>

#include "tests/support.h"

#define HOUR (3600 * TRALE_SECOND)

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t duration_ns;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, self->duration_ns));
    trale_return(trale_result());
}

static struct timespec clock_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now;
}

static int may_set_the_clock(void **state)
{
    (void)state;
    struct timespec now = clock_of(CLOCK_REALTIME);
    if (getenv("TRALE_TEST_SET_CLOCK") != NULL && clock_settime(CLOCK_REALTIME, &now) == 0)
        return 0;
    printf("the clock may not be set: skipped\n");
    exit(77);
}

/* Starts a sleep of `duration_ns` on that clock, sets the wall clock an hour ahead for 20 ms of real time, and returns
 * what became of the sleep: its result, or -EBUSY if it still sleeps. */
static int64_t sleep_over_a_step(const char *clock, uint64_t duration_ns)
{
    char section[128];
    snprintf(section, sizeof section, TEST_TIMER "clock = %s\n", clock);
    struct trale *runtime = test_open("timer", section);
    struct trale *steady = test_open("timer", TEST_TIMER);
    struct trale_task *task = trale_spawn(runtime, sleeper, .duration_ns = duration_ns);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    struct timespec wall = clock_of(CLOCK_REALTIME), began = clock_of(CLOCK_MONOTONIC);
    wall.tv_sec += 3600;
    assert_int_equal(clock_settime(CLOCK_REALTIME, &wall), 0);
    int64_t slept = trale_block_on(steady, trale_sleep(&sleep, 20 * TRALE_MILLISECOND));
    if (test_threads() == 0) /* somebody has to poll */
        slept = trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND));
    trale_abort(task);
    int64_t result = trale_join(task);
    struct timespec ended = clock_of(CLOCK_MONOTONIC);
    int64_t passed_ns = (ended.tv_sec - began.tv_sec) * (int64_t)TRALE_SECOND + ended.tv_nsec - began.tv_nsec;
    wall.tv_sec += passed_ns / (int64_t)TRALE_SECOND - 3600;
    wall.tv_nsec += passed_ns % (int64_t)TRALE_SECOND;
    wall.tv_sec += wall.tv_nsec / (int64_t)TRALE_SECOND;
    wall.tv_nsec %= (int64_t)TRALE_SECOND;
    assert_int_equal(clock_settime(CLOCK_REALTIME, &wall), 0);
    assert_int_equal(slept, 0);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(trale_close(steady), 0);
    return result == -ECANCELED ? -EBUSY : result;
}

static void test_a_realtime_sleep_ends_when_the_clock_passes_its_deadline(void **state)
{
    (void)state;
    assert_int_equal(sleep_over_a_step("realtime", HOUR / 2), 0);
}

static void test_a_realtime_sleep_beyond_the_step_goes_on(void **state)
{
    (void)state;
    assert_int_equal(sleep_over_a_step("realtime", 2 * HOUR), -EBUSY);
}

static void test_other_clocks_do_not_care(void **state)
{
    (void)state;
    assert_int_equal(sleep_over_a_step("monotonic", HOUR / 2), -EBUSY);
    assert_int_equal(sleep_over_a_step("boottime", HOUR / 2), -EBUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_realtime_sleep_ends_when_the_clock_passes_its_deadline),
        cmocka_unit_test(test_a_realtime_sleep_beyond_the_step_goes_on),
        cmocka_unit_test(test_other_clocks_do_not_care),
    };
    return cmocka_run_group_tests(tests, may_set_the_clock, NULL);
}
