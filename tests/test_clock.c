/* SPDX-License-Identifier: MIT
 *
 * What happens to sleeps when the wall clock is set. To see it, this sets the clock of the machine, an hour ahead and
 * back a moment later; so it runs alone, and only where $TRALE_TEST_SET_CLOCK says that it may. In a simulation it is
 * the clock of a host. */
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
    if (test_is_simulated())
        return 0;
    if (getenv("TRALE_TEST_SET_CLOCK") != NULL && clock_settime(CLOCK_REALTIME, &now) == 0)
        return 0;
    printf("the clock may not be set: skipped\n");
    exit(77);
}

/* The same for a sleep in a simulation, with a clock that is set ahead after 5 ms and back after 25. */
static int64_t sleep_over_a_simulated_step(const char *clock, uint64_t duration_ns, struct test_log *log)
{
    static const char steps[] = "at 5ms clock * step 1h\nat 25ms clock * step -1h\n";
    char text[1024], scenario[] = "/tmp/trale-clock-XXXXXX";
    struct trale *runtime;
    struct trale_sleep sleep;
    int fd = mkstemp(scenario);
    assert_int_equal(write(fd, steps, sizeof steps - 1), sizeof steps - 1);
    close(fd);
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\nclock = %s\n"
             "scenario = %s\n",
             TEST_DRIVERS, clock, scenario);
    *log = (struct test_log){0};
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = log};
    assert_int_equal(trale_open(&runtime, &options), 0);
    unlink(scenario);
    struct trale_task *task = trale_spawn(runtime, sleeper, .duration_ns = duration_ns);
    uint64_t until_ns = trale_now_on(runtime, TRALE_CLOCK_MONOTONIC) + 50 * TRALE_MILLISECOND;
    assert_int_equal(trale_block_on(runtime, trale_sleep_on(&sleep, TRALE_CLOCK_MONOTONIC, until_ns, 0)), 0);
    trale_abort(task);
    int64_t result = trale_join(task);
    assert_int_equal(trale_close(runtime), 0);
    return result == -ECANCELED ? -EBUSY : result;
}

/* Starts a sleep of `duration_ns` on that clock, sets the wall clock an hour ahead for 20 ms of real time, and returns
 * what became of the sleep: its result, or -EBUSY if it still sleeps. *log has the messages. */
static int64_t sleep_over_a_step(const char *clock, uint64_t duration_ns, struct test_log *log)
{
    char text[512];
    struct trale *runtime;
    if (test_is_simulated())
        return sleep_over_a_simulated_step(clock, duration_ns, log);
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = timer\nthreads = %d\ndrivers_folder = %s\n" TEST_TIMER "clock = %s\n",
             test_threads(), TEST_DRIVERS, clock);
    *log = (struct test_log){0};
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = log};
    assert_int_equal(trale_open(&runtime, &options), 0);
    struct trale *steady = test_open("timer", TEST_TIMER);
    struct trale_task *task = trale_spawn(runtime, sleeper, .duration_ns = duration_ns);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    struct timespec wall = clock_of(CLOCK_REALTIME), began = clock_of(CLOCK_MONOTONIC);
    wall.tv_sec += 3600;
    assert_int_equal(clock_settime(CLOCK_REALTIME, &wall), 0);
    int64_t slept = trale_block_on(steady, trale_sleep(&sleep, 20 * TRALE_MILLISECOND));
    if (test_threads() == 0) /* this thread polls */
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
    struct test_log log;
    assert_int_equal(sleep_over_a_step("realtime", HOUR / 2, &log), 0);
}

static void test_a_realtime_sleep_beyond_the_step_goes_on_and_the_log_knows(void **state)
{
    (void)state;
    struct test_log log;
    assert_int_equal(sleep_over_a_step("realtime", 2 * HOUR, &log), -EBUSY);
    assert_non_null(strstr(log.text, "the clock was set"));
}

static void test_other_clocks_do_not_care(void **state)
{
    (void)state;
    struct test_log log;
    assert_int_equal(sleep_over_a_step("monotonic", HOUR / 2, &log), -EBUSY);
    assert_int_equal(sleep_over_a_step("boottime", HOUR / 2, &log), -EBUSY);
    assert_null(strstr(log.text, "the clock was set"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_realtime_sleep_ends_when_the_clock_passes_its_deadline),
        cmocka_unit_test(test_a_realtime_sleep_beyond_the_step_goes_on_and_the_log_knows),
        cmocka_unit_test(test_other_clocks_do_not_care),
    };
    return cmocka_run_group_tests(tests, may_set_the_clock, NULL);
}
