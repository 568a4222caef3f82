/* SPDX-License-Identifier: MIT
 *
 * Loading: what is refused and how it is said, the order of starting and stopping, what crosses the ABI. */
#include "tests/support.h"

/* Opens a runtime on that text, which is called t.ini. */
static int open_text(const char *text, struct test_log *log, struct trale **runtime)
{
    *log = (struct test_log){.length = 0};
    return trale_open(
        runtime,
        &(struct trale_options){.config_text = text, .config_path = "t.ini", .log = test_log_write, .log_data = log});
}

/* The same with one driver, whose section has more lines. */
static int open_driver(const char *name, const char *more, struct test_log *log, struct trale **runtime)
{
    char text[512];
    snprintf(text, sizeof text, "[runtime]\ndrivers = x\ndrivers_folder = %s\n[driver:x]\npath = %s.so\n%s",
             TEST_FLAWED_DRIVERS, name, more);
    return open_text(text, log, runtime);
}

/* The call has failed with `error`, has left the result alone, and its messages have `expected` in them. */
static void check_refused(int r, const struct trale *runtime, const struct test_log *log, int error,
                          const char *expected)
{
    if (r != error || strstr(log->text, expected) == NULL)
        fail_msg("%d (%s), wanted %d and \"%s\"; messages:\n%s", r, strerror(-r), error, expected, log->text);
    assert_ptr_equal(runtime, log);
}

static void assert_refused(const char *text, int error, const char *expected)
{
    struct test_log log;
    struct trale *runtime = (struct trale *)&log;
    int r = open_text(text, &log, &runtime);
    check_refused(r, runtime, &log, error, expected);
}

static void assert_driver_refused(const char *name, const char *more, int error, const char *expected)
{
    struct test_log log;
    struct trale *runtime = (struct trale *)&log;
    int r = open_driver(name, more, &log, &runtime);
    check_refused(r, runtime, &log, error, expected);
}

static void test_each_flaw_has_a_message_of_its_own(void **state)
{
    (void)state;
    assert_driver_refused("flaw_abi", "", -EPROTONOSUPPORT,
                          "t.ini:5: [driver:x] " TEST_FLAWED_DRIVERS
                          "/flaw_abi.so is a driver for ABI 1, this runtime has ABI 2: rebuild it");
    assert_driver_refused("flaw_size", "", -ENOEXEC, "its description has 40 bytes, ABI 2 has at least 104");
    assert_driver_refused("flaw_huge", "", -ENOEXEC, "its description has 1073741824 bytes");
    assert_driver_refused("flaw_no_symbol", "", -ENOEXEC, "is no driver: it has no symbol 'trale_driver'");
    assert_driver_refused("flaw_no_name", "", -ENOEXEC, "its description has no name");
    assert_driver_refused("flaw_blank_name", "", -ENOEXEC,
                          "the name in its description has a blank or a character that is not printable");
    assert_driver_refused("flaw_no_summary", "", -ENOEXEC, "its description has no summary");
    assert_driver_refused("flaw_no_start", "", -ENOEXEC, "its description has no start");
    assert_driver_refused("flaw_later_demands", "", -EPROTONOSUPPORT,
                          "it demands what trale " TRALE_VERSION " does not know (0x80): it needs a later trale");
    assert_driver_refused("flaw_wild_settle", "", -ENOEXEC, "the settle in its description is no function in its code");
    assert_driver_refused("flaw_bad_default", "", -ENOEXEC, "number");
    assert_driver_refused("flaw_undefined_symbol", "", -ENOEXEC, "undefined symbol: trale_nobody_defines_this");
    assert_driver_refused("flaw_required", "", -EINVAL, "t.ini:4: [driver:x] number: missing");
    assert_driver_refused("flaw_none", "number = 10\n", -EINVAL, "t.ini:6: [driver:x] number = 10: ");
    assert_driver_refused("flaw_none", "nunber = 1\n", -EINVAL, "t.ini:6: [driver:x] nunber: no such key");
    assert_driver_refused("flaw_none", "number = many\n", -EINVAL, "t.ini:6: [driver:x] number = many: ");
    assert_driver_refused("absent", "", -ENOENT, "absent.so");
    assert_driver_refused("flaw_fails_start", "", -EADDRNOTAVAIL, "did not start: Cannot assign requested address");
    assert_driver_refused("flaw_positive_start", "", -EPROTO, "did not start: Protocol error");
    assert_driver_refused("flaw_no_interface", "", -EPROTO, "offers org.example.probe/1, and does not give it");
}

#define AT_PATH(name) "t.ini:5: [driver:x] " TEST_FLAWED_DRIVERS "/" name ".so"

static void test_a_file_that_is_built_wrong_is_refused_with_the_cure(void **state)
{
    (void)state;
    assert_driver_refused("flaw_execstack", "", -ENOEXEC,
                          AT_PATH("flaw_execstack") " is no driver: it is built with an executable stack: link it with "
                                                    "-z noexecstack");
    assert_driver_refused("flaw_textrel", "", -ENOEXEC,
                          AT_PATH("flaw_textrel") " is no driver: it has relocations in its code: compile it with "
                                                  "-fPIC");
    assert_driver_refused("flaw_bss", "", -ENOEXEC,
                          AT_PATH("flaw_bss") " is no driver: its 'trale_driver' is not in the file, and zero when");
    assert_driver_refused(
        "flaw_own_symbol", "", -ENOEXEC,
        AT_PATH("flaw_own_symbol") ": its description points to 'flawed_start', which is exported, so "
                                   "the program's or a library's may take its place: make it static");
    assert_driver_refused("flaw_foreign_symbol", "", -ENOEXEC,
                          AT_PATH("flaw_foreign_symbol") ": its description points to 'free', which is not in this "
                                                         "file");
    assert_driver_refused("flaw_smaller_options", "", -ENOEXEC,
                          AT_PATH("flaw_smaller_options") ": the options in its description have an impossible size, "
                                                          "48 bytes each");
}

/* Opens a runtime with the driver, closes it, and returns the warnings and errors. */
static const char *warnings_of(const char *name, const char *more)
{
    static struct test_log log;
    struct trale *runtime;
    int r = open_driver(name, more, &log, &runtime);
    if (r < 0)
        fail_msg("%d: %s", r, log.text);
    trale_close(runtime);
    return log.text;
}

static void assert_warned(const char *name, const char *warning)
{
    const char *text = warnings_of(name, "");
    if (strstr(text, warning) == NULL)
        fail_msg("wanted \"%s\"; messages:\n%s", warning, text);
}

static void test_what_a_driver_should_not_have_is_a_warning(void **state)
{
    (void)state;
    assert_warned("flaw_evil", "1 trale: " AT_PATH("flaw_evil") " has 1 constructor or destructor, such as evil, code "
                                                                "that runs when the file is loaded");
    assert_warned("flaw_destructor",
                  "1 trale: " AT_PATH("flaw_destructor") " has 1 constructor or destructor, such as last_words, code");
    assert_warned("flaw_exports",
                  "1 trale: " AT_PATH("flaw_exports") " exports 1 name beside trale_driver, such as "
                                                      "exported_by_mistake: compile it with -fvisibility=hidden");
    assert_null(strstr(warnings_of("flaw_none", ""), "1 trale: "));
}

static void test_a_description_that_changes_when_it_is_loaded_is_refused(void **state)
{
    (void)state;
    assert_driver_refused("flaw_changed", "", -ENOEXEC,
                          AT_PATH("flaw_changed") ": its description was changed while it was loaded, by a constructor "
                                                  "or in the file: 'summary' is not what it was");
}

static void test_options_of_a_later_trale_are_read_as_far_as_both_sides_know_them(void **state)
{
    (void)state;
    assert_null(strstr(warnings_of("flaw_larger_options", "number = 4\nlater = y\n"), "0 trale: "));
    assert_driver_refused("flaw_larger_options", "latter = y\n", -EINVAL, "did you mean later?");
}

static void test_packed_relative_relocations_are_read(void **state)
{
    (void)state;
    assert_null(strstr(warnings_of("flaw_relr", "number = 4\n"), "0 trale: "));
}

static void test_what_a_driver_says_of_itself_is_escaped_in_messages(void **state)
{
    (void)state;
    struct test_log log = {0};
    struct trale *runtime;
    struct trale_options options = {.config_text = "[runtime]\ndrivers = x\n[driver:x]\n"
                                                   "path = " TEST_FLAWED_DRIVERS "/flaw_control.so\n",
                                    .log = test_log_write,
                                    .log_data = &log};
    assert_int_equal(trale_open(&runtime, &options), 0);
    trale_close(runtime);
    assert_non_null(strstr(log.text, "[driver:x] started: flawed 1\\x1b[2J, "));
    assert_null(strchr(log.text, '\033'));
}

static void test_a_path_is_a_bare_name_or_absolute(void **state)
{
    (void)state;
    const char *paths[] = {"./timer.so", "../timer.so", "a/b.so", ".", ".."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "[runtime]\ndrivers = x\ndrivers_folder = %s\n[driver:x]\npath = %s\n",
                 TEST_DRIVERS, paths[i]);
        assert_refused(text, -EINVAL, "neither a bare file name");
    }
    assert_refused("[runtime]\ndrivers = x\n[driver:x]\n", -EINVAL, "t.ini:3: [driver:x] path: missing");
    assert_refused("[runtime]\ndrivers = x\ndrivers_folder = lib\n[driver:x]\npath = a.so\n", -EINVAL,
                   "t.ini:3: [runtime] drivers_folder = lib: not an absolute path");
}

static void test_the_runtime_section_is_checked(void **state)
{
    (void)state;
    assert_refused("[runtime]\ndrivers = timer\n", -EINVAL, "t.ini:2: [runtime] drivers: timer: there is no section");
    assert_refused("[runtime]\nthreads = 3\n", -EINVAL, "t.ini:2: [runtime] threads = 3: ");
    assert_refused("[runtime]\nthread = 1\n", -EINVAL, "did you mean threads?");
    assert_refused("[runtime]\n[drivers:x]\n", -EINVAL, "t.ini:2: [drivers:x]: no such section; did you mean");
    assert_refused("[runtime]\n[driver:]\n", -EINVAL, "t.ini:2: [driver:]: no such section");
    assert_refused("[runtime]\ndrivers = x x\n[driver:x]\npath=a.so\n", -EINVAL,
                   "t.ini:2: [runtime] drivers: x: named twice");
}

static void test_two_drivers_for_one_interface_are_refused(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = a, b\ndrivers_folder = %s\n[driver:a]\npath = flaw_none.so\n"
             "[driver:b]\npath = flaw_newer.so\n",
             TEST_FLAWED_DRIVERS);
    assert_refused(text, -EINVAL, "t.ini:6: [driver:b] offers org.example.probe/1, which [driver:a] does already");
}

static void test_an_interface_that_is_not_what_its_name_says_is_refused(void **state)
{
    (void)state;
    const char *by = "0 trale: [driver:x] " TEST_FLAWED_DRIVERS "/flaw_%s.so offers org.example.probe/1%s";
    static const char *const cases[][2] = {
        {"short_table", " with a table of 24 bytes, of which version 1 has at least 32: build it with the header"},
        {"odd_table", " with a table of 28 bytes, of which version 1 has at least 32: build it with the header"},
        {"null_member", ", and function 1 of its table, at byte 16, is NULL: each of the first version must be there"},
        {"wrong_version", " with a table of version 2"},
        {"no_head", " with a table of 8 bytes, less than its head has"},
        {"no_interface", ", and does not give it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64], message[512];
        snprintf(name, sizeof name, "flaw_%s", cases[i][0]);
        snprintf(message, sizeof message, by, cases[i][0], cases[i][1]);
        assert_driver_refused(name, "", -EPROTO, message);
    }
}

static void test_names_of_interfaces_are_checked_before_the_driver_is_loaded(void **state)
{
    (void)state;
    assert_driver_refused("flaw_twice", "", -ENOEXEC,
                          AT_PATH("flaw_twice") ": 'org.example.probe/1' in the interfaces of its description is there "
                                                "twice");
    assert_driver_refused("flaw_both_lists", "", -ENOEXEC,
                          ": 'org.example.probe/1' is in the interfaces and in the layers of its description");
    assert_driver_refused("flaw_no_interfaces", "", -ENOEXEC, ": its description has no interfaces");
    assert_driver_refused("flaw_many", "", -ENOEXEC,
                          ": 'h/8' in the interfaces of its description is one too many: a driver has at most 64");
    assert_driver_refused("flaw_no_version", "", -ENOEXEC,
                          ": 'org.example.probe' in the interfaces of its description is not of the form NAME/VERSION");
    assert_driver_refused("flaw_impossible_size", "", -ENOEXEC,
                          ": 'org.example.probe/1' in the interfaces of its description has an impossible size");
}

static void test_what_had_started_is_stopped_in_reverse(void **state)
{
    (void)state;
    char text[512];
    struct test_log log = {0};
    struct trale *runtime;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = a b c\ndrivers_folder = %s\n[driver:a]\npath = flaw_none.so\n"
             "[driver:b]\npath = flaw_other.so\n[driver:c]\npath = flaw_fails_start.so\n",
             TEST_FLAWED_DRIVERS);
    assert_int_equal(open_text(text, &log, &runtime), -EADDRNOTAVAIL);
    const char *rest = log.text;
    const char *order[] = {"1 a: start\n", "1 b: start\n", "1 c: start\n", "1 b: stop\n", "1 a: stop\n"};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        rest = strstr(rest, order[i]);
        assert_non_null(rest);
    }
    assert_null(strstr(log.text, "c: stop"));
}

struct probe {
    struct trale_interface interface;
    int64_t (*number)(void *instance);
    void (*from_the_future)(void *instance);
};

static void test_an_interface_is_found_by_name_and_filled_up_with_null(void **state)
{
    (void)state;
    char text[512];
    struct trale *runtime;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = a\ndrivers_folder = %s\nthreads = %d\n"
             "[driver:a]\npath = flaw_none.so\nnumber = 5\n",
             TEST_FLAWED_DRIVERS, test_threads());
    struct test_log log = {0};
    assert_int_equal(open_text(text, &log, &runtime), 0);
    size_t known = offsetof(struct probe, from_the_future);
    const struct probe *probe = trale_interface(runtime, "org.example.probe/1", known);
    assert_non_null(probe);
    assert_int_equal(probe->number(probe->interface.instance), 5);
    const struct probe *larger = trale_interface(runtime, "org.example.probe/1", sizeof *larger);
    assert_ptr_not_equal(probe, larger);
    assert_int_equal(larger->number(larger->interface.instance), 5);
    assert_null(larger->from_the_future);
    assert_ptr_equal(larger, trale_interface(runtime, "org.example.probe/1", sizeof *larger));
    assert_null(trale_interface(runtime, "org.example.probe/2", known));
    assert_null(trale_interface(runtime, "flawed", known));
    assert_int_equal(trale_close(runtime), 0);
}

/* How often the log has the text. */
static size_t count(const char *log, const char *text)
{
    size_t n = 0;
    while ((log = strstr(log, text)) != NULL) {
        n++;
        log++;
    }
    return n;
}

static void test_a_table_without_all_of_its_first_version_is_not_found_by_a_name_with_its_size(void **state)
{
    (void)state;
    char text[512];
    struct trale *runtime;
    struct test_log log = {0};
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = a, b\ndrivers_folder = %s\nthreads = %d\n[driver:a]\npath = flaw_other.so\n"
             "[driver:b]\npath = flaw_late_null_member.so\n",
             TEST_FLAWED_DRIVERS, test_threads());
    assert_int_equal(open_text(text, &log, &runtime), 0);
    for (int i = 0; i < 2; i++) {
        assert_non_null(trale_interface(runtime, "org.example.other/1:24", 24));
        assert_non_null(trale_interface(runtime, "org.example.other/1", 24));
        assert_null(trale_interface(runtime, "org.example.other/1:32", 32));
        assert_null(trale_interface(runtime, "org.example.probe/1:24", 24));
        assert_non_null(trale_interface(runtime, "org.example.probe/1", 24));
    }
    assert_int_equal(trale_require(runtime, "org.example.other/1:24", NULL), 0);
    assert_int_equal(trale_require(runtime, "org.example.other/1:32", NULL), -ENODEV);
    assert_int_equal(trale_close(runtime), 0);
    assert_int_equal(count(log.text, "0 trale: "), 2);
    assert_int_equal(count(log.text,
                           "0 trale: [driver:a] " TEST_FLAWED_DRIVERS "/flaw_other.so offers "
                           "org.example.other/1 with a table of 24 bytes, of which version 1 has at least 32"),
                     1);
    assert_int_equal(count(log.text, "flaw_late_null_member.so offers org.example.probe/1, and function 1 of its"), 1);
    assert_null(strstr(log.text, "no driver offers"));
}

static void test_a_name_whose_size_is_no_number_and_a_size_without_end_find_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"org.example.probe/1:",    "org.example.probe/1:9999999999",
                                        "org.example.probe/1:0",   "org.example.probe/1:024",
                                        "org.example.probe/1:x24", "org.example.probe/1:24:24"};
    char text[512];
    struct trale *runtime;
    struct test_log log = {0};
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = a\ndrivers_folder = %s\nthreads = %d\n[driver:a]\npath = flaw_none.so\n",
             TEST_FLAWED_DRIVERS, test_threads());
    assert_int_equal(open_text(text, &log, &runtime), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_null(trale_interface(runtime, names[i], 24));
    assert_int_equal(count(log.text, "no driver offers"), sizeof names / sizeof names[0]);
    for (size_t size = SIZE_MAX; size > SIZE_MAX - 40; size--)
        assert_null(trale_interface(runtime, "org.example.probe/1", size));
    assert_int_equal(trale_close(runtime), 0);
}

static void test_a_driver_from_the_future_and_two_instances_of_one_work(void **state)
{
    (void)state;
    char text[512];
    struct test_log log = {0};
    snprintf(text, sizeof text, "[runtime]\ndrivers = a\ndrivers_folder = %s\n[driver:a]\npath = flaw_newer.so\n",
             TEST_FLAWED_DRIVERS);
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    struct trale *one, *two;
    assert_int_equal(trale_open(&one, &options), 0);
    assert_int_equal(trale_open(&two, &options), 0);
    const struct trale_interface *in_one = trale_interface(one, "org.example.probe/1", sizeof *in_one);
    const struct trale_interface *in_two = trale_interface(two, "org.example.probe/1", sizeof *in_two);
    assert_ptr_not_equal(in_one->instance, in_two->instance);
    assert_int_equal(trale_close(one), 0);
    assert_int_equal(trale_close(two), 0);
}

struct hour {
    struct trale_future future;
    struct trale_sleep sleep;
    uint64_t duration_ns;
    char name, *order;
};

trale_async(hour)
{
    trale_begin();
    trale_await(trale_sleep(&self->sleep, self->duration_ns));
    self->order[strlen(self->order)] = self->name;
    trale_return((int64_t)(trale_now(cx->runtime) / (3600 * TRALE_SECOND)));
}

struct hours {
    struct trale_future future;
    struct trale_task *two, *one;
    struct trale_join_future joined;
    int64_t hour_of_one;
    char order[8];
};

/* Spawns both in one poll: between two spawns from outside time might move on. */
trale_async(hours)
{
    const uint64_t hour_ns = 3600 * TRALE_SECOND;
    trale_begin();
    self->two = trale_spawn(cx->runtime, hour, .duration_ns = 2 * hour_ns, .name = '2', .order = self->order);
    self->one = trale_spawn(cx->runtime, hour, .duration_ns = hour_ns, .name = '1', .order = self->order);
    trale_await(trale_join_future(&self->joined, self->one));
    self->hour_of_one = trale_result();
    trale_await(trale_join_future(&self->joined, self->two));
    trale_return(trale_result());
}

static void test_a_driver_may_own_time(void **state)
{
    (void)state;
    char text[512];
    struct trale *runtime;
    snprintf(text, sizeof text,
             "[runtime]\ndrivers = clock\ndrivers_folder = %s\nthreads = %d\n"
             "[driver:clock]\npath = simulated_timer.so\n",
             TEST_FLAWED_DRIVERS, test_threads());
    assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text}), 0);
    struct hours hours = {.future.type = &hours_type};
    assert_int_equal(trale_block_on(runtime, &hours.future), 2);
    assert_int_equal(hours.hour_of_one, 1);
    assert_string_equal(hours.order, "12");
    assert_int_equal(trale_close(runtime), 0);
}

static void test_the_global_runtime_is_opened_once_and_stays(void **state)
{
    (void)state;
    setenv("TRALE_CONFIG", TEST_SOURCE_ROOT "/config/trale.ini", 1);
    setenv("TRALE_DRIVERS", TEST_DRIVERS, 1);
    struct trale *one = NULL, *two = NULL;
    assert_int_equal(trale_global(&one), 0);
    assert_int_equal(trale_global(&two), 0);
    assert_non_null(one);
    assert_ptr_equal(one, two);
    assert_int_equal(trale_close(one), -EPERM);
    struct trale_sleep sleep;
    assert_int_equal(trale_block_on(one, trale_sleep(&sleep, TRALE_MILLISECOND)), 0);
    unsetenv("TRALE_CONFIG");
    unsetenv("TRALE_DRIVERS");
}

static void test_without_a_file_the_built_in_configuration_holds(void **state)
{
    (void)state;
    test_use_built_in_config();
    struct trale *runtime;
    assert_int_equal(trale_open(&runtime, NULL), 0);
    assert_non_null(trale_timer(runtime));
    assert_non_null(trale_udp(runtime));
    assert_int_equal(trale_close(runtime), 0);
    unsetenv("TRALE_DRIVERS");
}

static void test_a_file_that_the_environment_names_must_exist(void **state)
{
    (void)state;
    struct trale *runtime;
    setenv("TRALE_CONFIG", "/nonexistent/trale.ini", 1);
    struct test_log log = {0};
    struct trale_options options = {.log = test_log_write, .log_data = &log};
    assert_int_equal(trale_open(&runtime, &options), -ENOENT);
    assert_non_null(strstr(log.text, "/nonexistent/trale.ini"));
    unsetenv("TRALE_CONFIG");
}

static void test_a_driver_that_closes_an_fd_without_forgetting_it_lets_the_executor_sleep(void **state)
{
    char text[1024];
    struct test_log log = {.length = 0};
    struct trale_options options = {.config_text = text, .log = test_log_write, .log_data = &log};
    struct trale_sleep sleep;
    struct trale_stats stats;
    struct trale *runtime;
    (void)state;
    snprintf(text, sizeof text,
             "[runtime]\nthreads = %d\ndrivers = timer, forgetful\n[driver:timer]\npath = %s/timer.so\n"
             "[driver:forgetful]\npath = %s/forgetful.so\n",
             test_threads(), TEST_DRIVERS, TEST_FLAWED_DRIVERS);
    assert_int_equal(trale_open(&runtime, &options), 0);
    assert_int_equal(trale_block_on(runtime, trale_sleep(&sleep, 30 * TRALE_MILLISECOND)), 0);
    assert_int_equal(trale_stats(runtime, &stats), 0);
    assert_true(stats.n_rounds < 50);
    assert_int_equal(trale_close(runtime), 0);
    /* With threads = 2 the fd is reported once only, at its edge. */
    if (test_threads() < 2)
        assert_non_null(strstr(log.text, "1 forgetful: fd "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_flaw_has_a_message_of_its_own),
        cmocka_unit_test(test_a_file_that_is_built_wrong_is_refused_with_the_cure),
        cmocka_unit_test(test_what_a_driver_should_not_have_is_a_warning),
        cmocka_unit_test(test_a_description_that_changes_when_it_is_loaded_is_refused),
        cmocka_unit_test(test_options_of_a_later_trale_are_read_as_far_as_both_sides_know_them),
        cmocka_unit_test(test_packed_relative_relocations_are_read),
        cmocka_unit_test(test_what_a_driver_says_of_itself_is_escaped_in_messages),
        cmocka_unit_test(test_a_path_is_a_bare_name_or_absolute),
        cmocka_unit_test(test_the_runtime_section_is_checked),
        cmocka_unit_test(test_two_drivers_for_one_interface_are_refused),
        cmocka_unit_test(test_an_interface_that_is_not_what_its_name_says_is_refused),
        cmocka_unit_test(test_names_of_interfaces_are_checked_before_the_driver_is_loaded),
        cmocka_unit_test(test_a_table_without_all_of_its_first_version_is_not_found_by_a_name_with_its_size),
        cmocka_unit_test(test_what_had_started_is_stopped_in_reverse),
        cmocka_unit_test(test_an_interface_is_found_by_name_and_filled_up_with_null),
        cmocka_unit_test(test_a_name_whose_size_is_no_number_and_a_size_without_end_find_nothing),
        cmocka_unit_test(test_a_driver_from_the_future_and_two_instances_of_one_work),
        cmocka_unit_test(test_a_driver_may_own_time),
        cmocka_unit_test(test_a_driver_that_closes_an_fd_without_forgetting_it_lets_the_executor_sleep),
        cmocka_unit_test(test_the_global_runtime_is_opened_once_and_stays),
        cmocka_unit_test(test_without_a_file_the_built_in_configuration_holds),
        cmocka_unit_test(test_a_file_that_the_environment_names_must_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
