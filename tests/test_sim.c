/* SPDX-License-Identifier: MIT
 *
 * The simulation, through the runtime: its clock, its chance, its log and its report. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <time.h>

#include <pthread.h>

#include <trale/random.h>
#include <trale/sim.h>

#include "tests/folder.h"
#include "tests/open_sim.h"

#define HOUR (3600 * TRALE_SECOND)

static uint64_t real_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * TRALE_SECOND + (uint64_t)now.tv_nsec;
}

/* --- the clock ---------------------------------------------------------------------------------------------------- */

static void test_a_year_of_sleeping_takes_no_time_and_ends_to_the_nanosecond(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("");
    struct trale_sleep sleep;
    uint64_t real = real_ns(), began = trale_now(runtime);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 365 * 24 * HOUR)), 0);
    assert_int_equal(trale_now(runtime) - began, 365 * 24 * HOUR);
    assert_true(real_ns() - real < 10 * TRALE_SECOND);
    assert_int_equal(trale_close(runtime), 0);
}

static void test_the_time_of_day_is_what_the_configuration_says(void **state)
{
    (void)state;
    const struct {
        const char *text;
        uint64_t seconds;
    } times[] = {{"1970-01-01T00:00:00Z", 0},
                 {"2000-02-29T23:59:59Z", 951868799},
                 {"2026-11-27t04:05:06+01:30", 1795746906},
                 {"2100-03-01T00:00:00-00:30", 4107544200}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char option[128];
        snprintf(option, sizeof option, "start_time = %s", times[i].text);
        struct trale *runtime = open_sim(option);
        assert_int_equal(trale_now_on(runtime, TRALE_CLOCK_REALTIME), times[i].seconds * TRALE_SECOND);
        trale_close(runtime);
    }
    struct trale *runtime = open_sim("start_time = 1999-12-31T23:59:60.25Z\nclock = realtime");
    assert_int_equal(trale_now(runtime), 946684800 * TRALE_SECOND + TRALE_SECOND / 4);
    trale_close(runtime);
}

struct spinner {
    struct trale_future future;
    uint64_t until_ns;
};

trale_async(spinner)
{
    trale_begin();
    while (trale_now(cx->runtime) < self->until_ns)
        trale_yield();
    trale_return(0);
}

static void test_a_task_that_never_rests_sees_the_time_pass(void **state)
{
    (void)state;
    struct trale *runtime = open_sim("");
    struct spinner frame;
    assert_int_equal(
        trale_block_on(runtime, trale_call(spinner, &frame, .until_ns = trale_now(runtime) + TRALE_MILLISECOND)), 0);
    trale_close(runtime);
}

/* --- chance ------------------------------------------------------------------------------------------------------- */

static void draw(const char *options, uint64_t drawn[4])
{
    struct trale *runtime = open_sim(options);
    assert_int_equal(trale_random_fill(runtime, drawn, 4 * sizeof drawn[0]), 0);
    trale_close(runtime);
}

static void test_random_bytes_come_from_the_seed(void **state)
{
    (void)state;
    uint64_t first[4], again[4], other[4];
    draw("seed = 7", first);
    draw("seed = 7", again);
    draw("seed = 8", other);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
}

/* --- log and report ----------------------------------------------------------------------------------------------- */

static struct trale_sim_report run(const char *options, uint64_t sleep_ns)
{
    char text[1024];
    struct trale_sleep sleep;
    snprintf(text, sizeof text, "report = %s\n%s", in_folder("report"), options);
    struct trale *runtime = open_sim(text);
    uint64_t drawn;
    assert_int_equal(trale_random_fill(runtime, &drawn, sizeof drawn), 0);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, sleep_ns)), 0);
    assert_int_equal(report_of(in_folder("report")).outcome, TRALE_SIM_RUNNING);
    trale_close(runtime);
    return report_of(in_folder("report"));
}

static void test_the_same_run_has_the_same_hash_and_any_other_has_another(void **state)
{
    (void)state;
    struct trale_sim_report first = run("seed = 5", HOUR), again = run("seed = 5", HOUR);
    assert_int_equal(first.hash, again.hash);
    assert_int_equal(first.n_events, again.n_events);
    assert_int_not_equal(run("seed = 6", HOUR).hash, first.hash);
    assert_int_not_equal(run("seed = 5", HOUR + 1).hash, first.hash);
}

static void test_the_report_has_the_outcome_and_the_counts(void **state)
{
    (void)state;
    struct trale_sim_report report = run("seed = 9", HOUR);
    assert_int_equal(report.outcome, TRALE_SIM_CLOSED);
    assert_int_equal(report.seed, 9);
    assert_int_equal(report.virtual_ns, HOUR);
    assert_int_equal(report.n_programs, 1);
    assert_int_equal(report.n_running, 0);
    assert_int_equal(report.n_entropy, 8);
    assert_int_equal(report.n_jumps, 1);
    assert_int_equal(report.success_ns, UINT64_MAX);
}

static void test_every_event_is_a_line_whose_last_hash_is_that_of_the_run(void **state)
{
    (void)state;
    char text[512], line[1024];
    snprintf(text, sizeof text, "events = %s", in_folder("events"));
    struct trale_sim_report report = run(text, HOUR);
    uint64_t n_lines = 0, number, time_ns, hash = 0;
    FILE *file = fopen(in_folder("events"), "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        assert_int_equal(sscanf(line, "%" SCNu64 "\t%" SCNu64 "\t%" SCNx64 "\t", &number, &time_ns, &hash), 3);
        assert_int_equal(number, ++n_lines);
        assert_true(time_ns == 0 || time_ns == HOUR);
        assert_int_equal(line[strlen(line) - 1], '\n');
    }
    fclose(file);
    assert_int_equal(n_lines, report.n_events);
    assert_int_equal(hash, report.hash);
    assert_non_null(strstr(line, "\toutcome\toutcome=closed\n"));
}

/* --- how a run ends ----------------------------------------------------------------------------------------------- */

struct sleeper {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t duration_ns;
};

trale_async(sleeper)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, self->duration_ns));
    trale_return(0);
}

static int64_t sleep_with(const char *options, uint64_t duration_ns, struct test_log *log)
{
    char text[1024];
    struct trale *runtime;
    snprintf(text, sizeof text, "report = %s\n%s", in_folder("report"), options);
    assert_int_equal(open_with(&runtime, log, text), 0);
    int64_t result = trale_join(trale_spawn(runtime, sleeper, .duration_ns = duration_ns));
    assert_int_equal(trale_close(runtime), 0);
    return result;
}

static void test_at_its_time_limit_a_run_is_over_and_its_tasks_are_aborted(void **state)
{
    (void)state;
    struct test_log log;
    assert_int_equal(sleep_with("time_limit = 1h\nseed = 3", HOUR, &log), 0);
    assert_null(strstr(log.text, "time limit"));
    assert_int_equal(report_of(in_folder("report")).outcome, TRALE_SIM_CLOSED);
    assert_int_equal(sleep_with("time_limit = 1h\nseed = 3", HOUR + 1, &log), -ECANCELED);
    assert_non_null(strstr(log.text, "0 sim: seed 3: time limit after "));
    assert_int_equal(report_of(in_folder("report")).outcome, TRALE_SIM_TIME_LIMIT);
}

static void test_a_run_that_does_not_end_in_the_time_of_quiet_is_not_settled(void **state)
{
    (void)state;
    struct test_log log;
    assert_int_equal(sleep_with("faults_for = 1h\nsettle = 10s\nswarm = no", HOUR, &log), 0);
    assert_int_equal(sleep_with("faults_for = 1h\nsettle = 10s\nswarm = no", HOUR + 11 * TRALE_SECOND, &log),
                     -ECANCELED);
    assert_non_null(strstr(log.text, "not settled"));
    assert_int_equal(report_of(in_folder("report")).outcome, TRALE_SIM_NOT_SETTLED);
}

struct boaster {
    struct trale_future future;
    struct trale_sleep sleep;
};

trale_async(boaster)
{
    trale_begin();
    trale_sim_success(cx->runtime);
    trale_await(trale_sleep(&self->sleep, UINT64_MAX));
    trale_return(0);
}

static void test_a_run_that_has_reported_success_is_settled(void **state)
{
    (void)state;
    char text[512];
    struct trale *runtime;
    snprintf(text, sizeof text, "report = %s\nsettle = 1s\nswarm = no", in_folder("report"));
    assert_int_equal(open_with(&runtime, NULL, text), 0);
    assert_int_equal(trale_join(trale_spawn(runtime, boaster)), -ECANCELED);
    trale_close(runtime);
    assert_int_equal(report_of(in_folder("report")).outcome, TRALE_SIM_SETTLED);
}

/* Wakes the thread that hangs: with threads = 0, another thread may stop the runtime. */
static void *close_later(void *runtime)
{
    struct trale_sim_report report;
    do
        report = report_of(in_folder("report"));
    while (report.outcome != TRALE_SIM_HANG);
    trale_close(runtime);
    return NULL;
}

static void test_a_hang_is_reported_with_the_chain_of_each_task(void **state)
{
    (void)state;
    char text[512];
    struct trale *runtime;
    struct test_log log;
    pthread_t closer;
    snprintf(text, sizeof text, "report = %s\nseed = 4", in_folder("report"));
    assert_int_equal(open_with(&runtime, &log, text), 0);
    struct trale_task *task = trale_spawn(runtime, sleeper, .duration_ns = UINT64_MAX);
    assert_int_equal(pthread_create(&closer, NULL, close_later, runtime), 0);
    assert_int_equal(trale_join(task), -ECANCELED);
    pthread_join(closer, NULL);
    assert_non_null(strstr(log.text, "(sleeper) waits:"));
    assert_non_null(strstr(log.text, "trale_sleep"));
    assert_non_null(strstr(log.text, "0 sim: seed 4: hang after 0.000000000 s"));
    struct trale_sim_report report = report_of(in_folder("report"));
    assert_non_null(strstr(report.failure, "sleeper waits for trale_sleep at "));
    assert_non_null(strstr(report.failure, "trale_sleep(&self->sleep, self->duration_ns)"));
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void test_values_that_cannot_be_are_named_with_their_line(void **state)
{
    (void)state;
    const char *const times[] = {"",
                                 "today",
                                 "2026-02-29T00:00:00Z",
                                 "2026-01-01",
                                 "2026-01-01T00:00:00",
                                 "1969-12-31T23:59:59Z",
                                 "2026-01-01T24:00:00Z",
                                 "2026-01-01T00:00:00.Z",
                                 "2026-01-01T00:00:00+1",
                                 "2026-01-01T00:00:00Zulu",
                                 "2026-13-01T00:00:00Z",
                                 "9999-01-01T00:00:00Z",
                                 "1970-01-01T00:00:00+00:01"};
    struct trale *runtime;
    struct test_log log;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char option[128];
        snprintf(option, sizeof option, "start_time = %s", times[i]);
        assert_int_equal(open_with(&runtime, &log, option), -EINVAL);
        assert_non_null(strstr(log.text, ":7: [driver:sim] start_time = "));
        assert_non_null(strstr(log.text, "allowed is"));
    }
}

static void test_a_file_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    struct trale *runtime;
    struct test_log log;
    assert_int_equal(open_with(&runtime, &log, "report = /nonexistent/report"), -ENOENT);
    assert_non_null(strstr(log.text, ":7: [driver:sim] report = /nonexistent/report: No such file or directory"));
    assert_int_equal(open_with(&runtime, &log, "events = /nonexistent/events"), -ENOENT);
    assert_non_null(strstr(log.text, ":7: [driver:sim] events = /nonexistent/events: No such file or directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_year_of_sleeping_takes_no_time_and_ends_to_the_nanosecond),
        cmocka_unit_test(test_the_time_of_day_is_what_the_configuration_says),
        cmocka_unit_test(test_a_task_that_never_rests_sees_the_time_pass),
        cmocka_unit_test(test_random_bytes_come_from_the_seed),
        TEST_IN_FOLDER(test_the_same_run_has_the_same_hash_and_any_other_has_another),
        TEST_IN_FOLDER(test_the_report_has_the_outcome_and_the_counts),
        TEST_IN_FOLDER(test_every_event_is_a_line_whose_last_hash_is_that_of_the_run),
        TEST_IN_FOLDER(test_at_its_time_limit_a_run_is_over_and_its_tasks_are_aborted),
        TEST_IN_FOLDER(test_a_run_that_does_not_end_in_the_time_of_quiet_is_not_settled),
        TEST_IN_FOLDER(test_a_run_that_has_reported_success_is_settled),
        TEST_IN_FOLDER(test_a_hang_is_reported_with_the_chain_of_each_task),
        cmocka_unit_test(test_values_that_cannot_be_are_named_with_their_line),
        cmocka_unit_test(test_a_file_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
