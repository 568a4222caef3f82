/* SPDX-License-Identifier: MIT
 *
 * Several programs in one simulated world: each is a child process here, and says what it does through a pipe. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/wait.h>

#include <trale/random.h>
#include <trale/sim_report.h>

#include "tests/folder.h"
#include "tests/support.h"

#define PROGRAMS_MAX 4

struct note {
    uint64_t program;
    uint64_t time_ns;
};

static int notes[2]; /* the pipe */

static struct trale *enter(uint32_t program, uint32_t n_programs)
{
    char text[2048];
    struct trale *runtime = NULL;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\npath = sim.so\nseed = 3\n"
             "address = 10.0.0.%u\nworld = %s\nprograms = %u\nprogram = %u\nreport = %s\n",
             TEST_DRIVERS, program, in_folder("world"), n_programs, program, in_folder("report"));
    return trale_open(&runtime, &(struct trale_options){.config_text = text}) == 0 ? runtime : NULL;
}

static void note(struct trale *runtime, uint32_t program)
{
    struct note note = {program, trale_now(runtime)};
    if (write(notes[1], &note, sizeof note) != sizeof note)
        _exit(9);
}

/* Sleeps for the time, and says so, `n` times. */
struct ticker {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t period_ns;
    uint32_t program;
    int i, n;
    bool dies;
};

trale_async(ticker)
{
    trale_begin();
    for (self->i = 0; self->i < self->n; self->i++) {
        trale_await(trale_sleep(&self->sleep, self->period_ns));
        note(cx->runtime, self->program);
    }
    if (self->dies)
        _exit(0);
    trale_return(0);
}

static int tick(uint32_t program, uint32_t n_programs, uint64_t period_ns, int n, bool dies)
{
    struct trale *runtime = enter(program, n_programs);
    if (runtime == NULL)
        return 1;
    struct ticker frame;
    int64_t r = trale_block_on(
        runtime, trale_call(ticker, &frame, .period_ns = period_ns, .program = program, .n = n, .dies = dies));
    return r == 0 && trale_close(runtime) == 0 ? 0 : 2;
}

static void check_end(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static struct trale_sim_report report(void)
{
    struct trale_sim_report report;
    int fd = open(in_folder("report"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, &report, sizeof report), sizeof report);
    close(fd);
    return report;
}

/* Runs a ticker for each period, starting the last program first. Returns how many notes there are. */
static size_t run(const uint64_t *periods_ns, const int *n_ticks, size_t n, size_t dead, struct note *found,
                  size_t room)
{
    pid_t children[PROGRAMS_MAX];
    unlink(in_folder("world"));
    assert_int_equal(pipe2(notes, O_CLOEXEC), 0);
    for (size_t i = n; i-- > 0;) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(tick((uint32_t)i + 1, (uint32_t)n, periods_ns[i], n_ticks[i], i + 1 == dead));
        assert_true(children[i] > 0);
    }
    close(notes[1]);
    for (size_t i = 0; i < n; i++)
        check_end(children[i]);
    ssize_t n_bytes = read(notes[0], found, room * sizeof *found);
    close(notes[0]);
    assert_true(n_bytes >= 0);
    return (size_t)n_bytes / sizeof *found;
}

static void test_programs_see_one_time(void **state)
{
    (void)state;
    const uint64_t periods_ns[] = {3000, 2000, 5000};
    const int n_ticks[] = {10, 15, 6};
    struct note found[64];
    assert_int_equal(run(periods_ns, n_ticks, 3, 0, found, 64), 31);
    for (size_t i = 1; i < 31; i++) {
        assert_true(found[i - 1].time_ns <= found[i].time_ns);
        /* At the same time the lowest goes first. */
        if (found[i - 1].time_ns == found[i].time_ns)
            assert_true(found[i - 1].program < found[i].program);
    }
    assert_int_equal(report().outcome, TRALE_SIM_CLOSED);
    assert_int_equal(report().n_programs, 3);
    assert_int_equal(report().n_running, 0);
    assert_int_equal(report().virtual_ns, 30000);
}

static void test_the_order_in_which_processes_start_does_not_matter(void **state)
{
    (void)state;
    const uint64_t periods_ns[] = {1000, 1000};
    const int n_ticks[] = {5, 7};
    struct note found[64];
    run(periods_ns, n_ticks, 2, 0, found, 64);
    uint64_t hash = report().hash;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(run(periods_ns, n_ticks, 2, 0, found, 64), 12);
        assert_int_equal(report().hash, hash);
    }
}

static void test_when_a_program_dies_the_others_go_on(void **state)
{
    (void)state;
    const uint64_t periods_ns[] = {1000, 1000, 1000};
    const int n_ticks[] = {6, 3, 6};
    struct note found[64];
    for (size_t dead = 1; dead <= 3; dead++) {
        assert_int_equal(run(periods_ns, n_ticks, 3, dead, found, 64), 15);
        /* The last one of all is missed by no other. */
        assert_int_equal(report().n_running, dead == 3 ? 1 : 0);
        uint64_t hash = report().hash;
        assert_int_equal(run(periods_ns, n_ticks, 3, dead, found, 64), 15);
        assert_int_equal(report().hash, hash);
    }
}

static void check_refused(const char *options, const char *message)
{
    char text[1024];
    struct test_log log = {0};
    struct trale *runtime;
    snprintf(text, sizeof text, "[runtime]\ndrivers = sim\nthreads = 0\ndrivers_folder = %s\n[driver:sim]\n%s%s",
             TEST_DRIVERS, "path = sim.so\n", options);
    assert_true(trale_open(&runtime,
                           &(struct trale_options){.config_text = text, .log = test_log_write, .log_data = &log}) < 0);
    if (strstr(log.text, message) == NULL)
        fail_msg("%s", log.text);
}

static void test_programs_that_are_no_world_are_refused(void **state)
{
    (void)state;
    check_refused("program = 2\n", ":7: [driver:sim] program = 2: there are fewer `programs`");
    check_refused("programs = 2\n", ":7: [driver:sim] programs = 2: more than one need a `world`");
    check_refused("world = /nonexistent/world\n", "[driver:sim] world = /nonexistent/world: No such file or directory");
    check_refused("programs = 65\n", "1 to 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_programs_see_one_time),
        TEST_IN_FOLDER(test_the_order_in_which_processes_start_does_not_matter),
        TEST_IN_FOLDER(test_when_a_program_dies_the_others_go_on),
        cmocka_unit_test(test_programs_that_are_no_world_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
