/* SPDX-License-Identifier: MIT
 *
 * Drivers that use each other's interfaces: what they need, in which order they start and stop. */
#include "tests/support.h"

#define NONE "[driver:probe]\npath = flaw_none.so\n"
#define NEEDY "[driver:needy]\npath = needy.so\n"

/* The interface of both. */
struct probe {
    struct trale_interface interface;
    int64_t (*number)(void *instance);
    int64_t (*later)(void *instance);
};

static struct test_log messages;

static int open_text(struct trale **runtime, const char *drivers, const char *sections)
{
    char text[1024];
    snprintf(text, sizeof text, "[runtime]\ndrivers = %s\nthreads = %d\ndrivers_folder = %s\n%s", drivers,
             test_threads(), TEST_FLAWED_DRIVERS, sections);
    messages = (struct test_log){.length = 0};
    return trale_open(runtime,
                      &(struct trale_options){
                          .config_text = text, .config_path = "t.ini", .log = test_log_write, .log_data = &messages});
}

static void assert_refused(const char *drivers, const char *sections, const char *expected)
{
    struct trale *runtime = NULL;
    int r = open_text(&runtime, drivers, sections);
    char line[1024];
    snprintf(line, sizeof line, "0 trale: t.ini:%s\n", expected);
    if (r != -EINVAL || runtime != NULL || strcmp(messages.text, line) != 0)
        fail_msg("%d (%s), wanted \"%s\"; messages:\n%s", r, strerror(-r), line, messages.text);
}

/* Whether the messages of drivers, whose level is 1, are these. */
static void assert_driver_messages(const char *expected)
{
    char found[1024] = "";
    for (const char *line = messages.text; *line != '\0'; line = strchr(line, '\n') + 1)
        if (line[0] == '1')
            snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s", (int)(strchr(line, '\n') + 1 - line),
                     line);
    assert_string_equal(found, expected);
}

static void test_a_driver_gets_the_interface_of_one_that_was_started_before(void **state)
{
    (void)state;
    struct trale *runtime;
    assert_int_equal(
        open_text(&runtime, "probe, needy, other", NONE "number = 7\n" NEEDY "[driver:other]\npath = flaw_other.so\n"),
        0);
    const struct probe *needy = trale_interface(runtime, "org.example.needy/1", sizeof *needy);
    assert_int_equal(needy->number(needy->interface.instance), 8);
    assert_int_equal(trale_close(runtime), 0);
    assert_driver_messages("1 probe: start\n1 needy: start 7\n1 other: start\n"
                           "1 needy: settle 7\n1 other: stop\n1 needy: stop 7\n1 probe: stop\n");
}

static void test_a_driver_that_does_not_start_leaves_what_it_needs_until_last(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    assert_int_equal(
        open_text(&runtime, "probe, needy, fails", NONE NEEDY "[driver:fails]\npath = flaw_fails_start.so\n"),
        -EADDRNOTAVAIL);
    assert_driver_messages("1 probe: start\n1 needy: start 3\n1 fails: start\n"
                           "1 needy: settle 3\n1 needy: stop 3\n1 probe: stop\n");
    assert_int_equal(open_text(&runtime, "probe, needy", NONE NEEDY "fails = yes\n"), -EPROTO);
    assert_driver_messages("1 probe: start\n1 needy: start 3\n1 probe: stop\n");
    assert_null(runtime);
}

static void test_a_missing_need_is_refused_with_the_line_to_write(void **state)
{
    (void)state;
    assert_refused("needy", NEEDY,
                   "2: [runtime] drivers: [driver:needy] needs org.example.probe/1, which no driver before it offers: "
                   "write drivers = probe, needy, and add [driver:probe] with path = probe.so");
    assert_refused("other, needy", "[driver:other]\npath = flaw_other.so\n" NEEDY NONE,
                   "2: [runtime] drivers: [driver:needy] needs org.example.probe/1, which no driver before it offers: "
                   "write drivers = other, probe, needy");
}

static void test_a_need_that_a_later_driver_offers_is_refused_with_the_right_order(void **state)
{
    (void)state;
    assert_refused("needy, other, b", NEEDY "[driver:other]\npath = flaw_other.so\n[driver:b]\npath = flaw_none.so\n",
                   "2: [runtime] drivers: [driver:needy] needs org.example.probe/1, which no driver before it offers: "
                   "write drivers = b, needy, other");
}

static void test_a_driver_of_the_right_name_that_offers_something_else_is_named(void **state)
{
    (void)state;
    assert_refused("probe, needy", "[driver:probe]\npath = flaw_other.so\n" NEEDY,
                   "2: [runtime] drivers: [driver:needy] needs org.example.probe/1, which no driver before it offers; "
                   "[driver:probe] offers org.example.other/1");
}

static void test_a_driver_that_cannot_be_opened_is_the_only_message(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    assert_int_equal(open_text(&runtime, "probe, needy", "[driver:probe]\npath = absent.so\n" NEEDY), -ENOENT);
    assert_non_null(strstr(messages.text, "absent.so"));
    assert_null(strstr(messages.text, "needs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_gets_the_interface_of_one_that_was_started_before),
        cmocka_unit_test(test_a_driver_that_does_not_start_leaves_what_it_needs_until_last),
        cmocka_unit_test(test_a_missing_need_is_refused_with_the_line_to_write),
        cmocka_unit_test(test_a_need_that_a_later_driver_offers_is_refused_with_the_right_order),
        cmocka_unit_test(test_a_driver_of_the_right_name_that_offers_something_else_is_named),
        cmocka_unit_test(test_a_driver_that_cannot_be_opened_is_the_only_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
