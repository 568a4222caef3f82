/* SPDX-License-Identifier: MIT
 *
 * Drivers that use each other's interfaces: what they need, in which order they start and stop, and layers. */
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
                           "1 other: settle\n1 needy: settle 7\n1 other: stop\n1 needy: stop 7\n1 probe: stop\n");
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

/* `keys` are line 5 and so on, in [runtime]. Opens, or is refused with the messages. */
static void assert_demands(const char *keys, const char *expected)
{
    char text[1024];
    struct trale *runtime = NULL;
    snprintf(text, sizeof text, "[runtime]\ndrivers = one\n\ndrivers_folder = %s\n%s\n[driver:one]\npath = %s",
             TEST_FLAWED_DRIVERS, keys, "flaw_one_thread.so\n");
    messages = (struct test_log){.length = 0};
    int r = trale_open(&runtime,
                       &(struct trale_options){
                           .config_text = text, .config_path = "t.ini", .log = test_log_write, .log_data = &messages});
    assert_int_equal(r, expected != NULL ? -EINVAL : 0);
    if (expected != NULL)
        assert_string_equal(messages.text, expected);
    else
        assert_int_equal(trale_close(runtime), 0);
}

static void test_a_driver_that_demands_one_thread_runs_with_no_other(void **state)
{
    (void)state;
    assert_demands("threads = 0", NULL);
    assert_demands("threads = 0\ninstances = 1", NULL);
    assert_demands("threads = 2", "0 trale: t.ini:5: [runtime] threads = 2: [driver:one] runs only with 0: write "
                                  "threads = 0\n");
    assert_demands("", "0 trale: t.ini:1: [runtime] threads: missing, so it is 1, and [driver:one] runs only with 0: "
                       "add threads = 0\n");
    assert_demands("threads = 0\ninstances = 0", "0 trale: t.ini:6: [runtime] instances = 0: [driver:one] runs only "
                                                 "with 1: write instances = 1\n");
    assert_demands("instances = 2\nthreads = 1",
                   "0 trale: t.ini:6: [runtime] threads = 1: [driver:one] runs only with 0: write threads = 0\n"
                   "0 trale: t.ini:5: [runtime] instances = 2: [driver:one] runs only with 1: write instances = 1\n");
}

static void test_a_table_that_is_shorter_than_what_is_needed_is_refused(void **state)
{
    (void)state;
    struct trale *runtime = NULL;
    assert_int_equal(open_text(&runtime, "probe, needy", NONE "[driver:needy]\npath = needy_sized.so\n"), -EPROTO);
    assert_null(runtime);
    assert_driver_messages("1 probe: start\n1 probe: stop\n");
    assert_non_null(strstr(messages.text, "/flaw_none.so offers org.example.probe/1 with a table of 24 bytes, of which "
                                          "version 1 has at least 32"));
    assert_non_null(strstr(messages.text,
                           "0 trale: [driver:needy] needs org.example.probe/1:32, of which no table before "
                           "it has all functions\n"));
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

/* --- layers ------------------------------------------------------------------------------------------------------- */

#define OTHER "[driver:other]\npath = flaw_other.so\n"
#define LAYER(over) "[driver:layer]\npath = flaw_newer.so\nover = " over "\n"
#define OVER "[driver:layer] over = "

static void test_what_a_layer_is_over_must_be_a_driver_before_it(void **state)
{
    (void)state;
    assert_refused("probe, layer", NONE LAYER("prope"),
                   "9: " OVER "prope: there is no driver prope; drivers = probe, layer");
    assert_refused("layer", NONE LAYER("probe"),
                   "9: " OVER "probe: probe is not in drivers: write drivers = probe, layer");
    assert_refused("layer, probe", NONE LAYER("probe"),
                   "9: " OVER
                   "probe: probe comes later, and a layer comes after what it is over: write drivers = probe, "
                   "layer");
    assert_refused("probe, layer", NONE LAYER("probe, probe"), "9: " OVER "probe, probe: probe is named twice");
    assert_refused("probe, layer", NONE LAYER("layer, probe"),
                   "9: " OVER "layer, probe: a driver is no layer over itself");
    assert_refused("probe, layer", NONE LAYER(""),
                   "9: " OVER ": no driver is named; a driver that is no layer does not have this line");
}

static void test_a_layer_has_an_interface_of_what_it_is_over(void **state)
{
    (void)state;
    assert_refused("other, layer", OTHER LAYER("other"),
                   "9: " OVER "other: other offers org.example.other/1, and layer offers org.example.probe/1: a layer "
                   "offers an interface of each driver that it is over");
}

static void test_a_second_driver_of_an_interface_must_be_a_layer(void **state)
{
    (void)state;
    assert_refused("probe, b", NONE "[driver:b]\npath = flaw_newer.so\n",
                   "7: [driver:b] offers org.example.probe/1, which [driver:probe] does already: load one of them, so "
                   "write drivers = probe or write drivers = b; or, if b is a layer, write over = probe in its "
                   "section");
}

static void test_a_driver_that_demands_one_thread_takes_the_place_of_others(void **state)
{
    (void)state;
    static const char *const orders[] = {"timer, sim, udp, other", "sim, timer, other, udp"};
    for (size_t i = 0; i < 2; i++) {
        char text[1024];
        struct trale *runtime = NULL;
        snprintf(text, sizeof text,
                 "[runtime]\nthreads = 0\ndrivers = %s\ndrivers_folder = " TEST_DRIVERS
                 "\n[driver:timer]\npath = timer.so\n[driver:udp]\npath = udp.so\n[driver:sim]\npath = sim.so\n"
                 "[driver:other]\npath = " TEST_FLAWED_DRIVERS "/flaw_other.so\n",
                 orders[i]);
        messages = (struct test_log){.length = 0};
        assert_int_equal(trale_open(&runtime, &(struct trale_options){.config_text = text,
                                                                      .config_path = "t.ini",
                                                                      .log = test_log_write,
                                                                      .log_data = &messages}),
                         -EINVAL);
        assert_string_equal(messages.text,
                            "0 trale: t.ini:3: [runtime] drivers: [driver:sim] takes the place of trale.timer/1 of "
                            "[driver:timer], trale.udp/1 of [driver:udp]: write drivers = sim, other\n");
    }
}

#define TIMER "[driver:timer]\npath = " TEST_DRIVERS "/timer.so\n"
#define UDP "[driver:udp]\npath = " TEST_DRIVERS "/udp.so\n"

static void test_a_layer_takes_the_place_of_no_driver_that_it_is_not_over(void **state)
{
    (void)state;
    struct trale *runtime;
    const struct trale_interface *trace;
    const struct trale_timer *timer;
    assert_int_equal(
        open_text(&runtime, "udp, trace, timer", UDP "[driver:trace]\npath = trace.so\nover = udp\n" TIMER), 0);
    trace = trale_interface(runtime, "org.example.trace/1", sizeof *trace);
    timer = trale_interface(runtime, "trale.timer/1", sizeof *timer);
    assert_non_null(timer);
    assert_ptr_not_equal(timer->interface.instance, trace->instance);
    const struct trale_interface *udp = trale_interface(runtime, "trale.udp/1", sizeof *udp);
    assert_ptr_equal(udp->instance, trace->instance);
    trale_close(runtime);
}

static void test_a_driver_with_layers_says_what_it_is_over(void **state)
{
    (void)state;
    assert_refused("udp, timer, trace", UDP TIMER "[driver:trace]\npath = trace.so\n",
                   "9: [driver:trace] is a layer: write over = udp, timer in its section");
    assert_refused("delay, udp", UDP "[driver:delay]\npath = delay.so\n",
                   "7: [driver:delay] is a layer, and has no key over, which names drivers before it that offer "
                   "trale.udp/1");
}

/* The driver that gives the interface is the one whose number it is. */
static void assert_number(struct trale *runtime, int64_t number)
{
    const struct probe *probe = trale_interface(runtime, "org.example.probe/1", sizeof *probe);
    assert_int_equal(probe->number(probe->interface.instance), number);
}

static void test_a_layer_hides_what_it_is_over_from_all_after_it(void **state)
{
    (void)state;
    struct trale *runtime;
    const char *sections = NONE
        "number = 1\n" LAYER("probe") "number = 2\n"
                                      "[driver:top]\npath = flaw_none.so\nover = probe\nnumber = 3\n" NEEDY;
    const struct {
        const char *drivers;
        int64_t number, needy;
    } orders[] = {{"probe, needy", 1, 2},
                  {"probe, layer, needy", 2, 3},
                  {"probe, needy, layer", 2, 2},
                  {"probe, layer, top, needy", 3, 4},
                  {"probe, top, needy, layer", 2, 4}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        assert_int_equal(open_text(&runtime, orders[i].drivers, sections), 0);
        assert_number(runtime, orders[i].number);
        const struct probe *needy = trale_interface(runtime, "org.example.needy/1", sizeof *needy);
        assert_int_equal(needy->number(needy->interface.instance), orders[i].needy);
        trale_close(runtime);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_gets_the_interface_of_one_that_was_started_before),
        cmocka_unit_test(test_a_driver_that_does_not_start_leaves_what_it_needs_until_last),
        cmocka_unit_test(test_a_driver_that_demands_one_thread_runs_with_no_other),
        cmocka_unit_test(test_a_table_that_is_shorter_than_what_is_needed_is_refused),
        cmocka_unit_test(test_a_missing_need_is_refused_with_the_line_to_write),
        cmocka_unit_test(test_a_need_that_a_later_driver_offers_is_refused_with_the_right_order),
        cmocka_unit_test(test_a_driver_of_the_right_name_that_offers_something_else_is_named),
        cmocka_unit_test(test_a_driver_that_cannot_be_opened_is_the_only_message),
        cmocka_unit_test(test_what_a_layer_is_over_must_be_a_driver_before_it),
        cmocka_unit_test(test_a_layer_has_an_interface_of_what_it_is_over),
        cmocka_unit_test(test_a_layer_takes_the_place_of_no_driver_that_it_is_not_over),
        cmocka_unit_test(test_a_driver_with_layers_says_what_it_is_over),
        cmocka_unit_test(test_a_second_driver_of_an_interface_must_be_a_layer),
        cmocka_unit_test(test_a_driver_that_demands_one_thread_takes_the_place_of_others),
        cmocka_unit_test(test_a_layer_hides_what_it_is_over_from_all_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
